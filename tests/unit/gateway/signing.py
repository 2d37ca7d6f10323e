"""A CMQ client's side of the protocol, written apart from ours: signs, encodes, and reads replies."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote, quote_plus

KEY_ID = "AKIDtest"
SIGNING_KEY = "testkey"
NOW_S = 1_500_000_000
HOST = "127.0.0.1:8080"
PATH = "/v2/index.php"

Values = dict[str, str]


def common(action: str, **more: str) -> Values:
    """Parameters of a request, without a signature; `msgBody_1` stands for `msgBody.1`."""
    fixed = {
        "Action": action,
        "SecretId": KEY_ID,
        "Timestamp": str(NOW_S),
        "Nonce": "11886",
        "SignatureMethod": "HmacSHA256",
        "RequestClient": "SDK_Python_1.3",
    }
    return fixed | {name.replace("_", "."): value for name, value in more.items()}


def sign(
    values: Values,
    *,
    method: str = "POST",
    host: str = HOST,
    path: str = PATH,
    key: str = SIGNING_KEY,
    digest: str | None = None,
) -> str:
    """The signature over these values, as CMQ's documentation describes it."""
    pairs = "&".join(f"{name.replace('_', '.')}={values[name]}" for name in sorted(values))
    algorithm = digest or ("sha256" if values.get("SignatureMethod") == "HmacSHA256" else "sha1")
    text = f"{method}{host}{path}?{pairs}".encode()
    return base64.b64encode(hmac.new(key.encode(), text, getattr(hashlib, algorithm)).digest()).decode()


def signed(values: Values, **how: Any) -> Values:
    """The values with their signature."""
    return values | {"Signature": sign(values, **how)}


def form(values: Values, *, blank: str = "+") -> bytes:
    """Percent-encoded pairs, a blank as `+` or `%20`."""
    encode = quote_plus if blank == "+" else quote
    return "&".join(f"{encode(name, safe='')}={encode(value, safe='')}" for name, value in values.items()).encode()


def post(body: bytes, host: str | None = HOST, path: str = PATH, *more: str) -> bytes:
    """A POST, as bytes."""
    lines = [f"POST {path} HTTP/1.1", *([f"Host: {host}"] if host is not None else []), *more]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def replies(raw: bytes) -> list[dict[str, Any]]:
    """Every reply in these bytes; each must be HTTP 200 with code, message and requestId."""
    found = []
    while raw:
        head, _, raw = raw.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] in {"HTTP/1.1 200 OK", "HTTP/1.1 100 Continue"}, lines
        if lines[0].endswith("Continue"):
            continue
        (length,) = (int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:"))
        reply = json.loads(raw[:length])
        assert isinstance(reply["code"], int)
        assert isinstance(reply["message"], str)
        assert isinstance(reply["requestId"], str)
        assert "Traceback" not in raw[:length].decode()
        found.append(reply)
        raw = raw[length:]
    return found


def row_of(reply: dict[str, Any]) -> tuple[int, int]:
    """Code and module number."""
    module = reply["message"].removeprefix("(").partition(")")[0]
    return reply["code"], int(module or 0)
