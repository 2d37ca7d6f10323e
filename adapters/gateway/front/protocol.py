"""What a request says, and what a reply looks like: CMQ's form over HTTP, without the HTTP.

Shape   parameters(request) -> names and texts; Replies().of(fields) -> JSON bytes. No I/O
Request POST and GET; `name=value` pairs in query and body alike, percent-encoded UTF-8, a blank as `+` or `%20`; the
        Content-Type is not looked at. Every parameter counts, known or not: the signature is over all of them
Strict  one reading and no other, since a signature says nothing about where a value ends: a name is letters, digits,
        `.` and `-` (`_` would sign as `.`), and there once; only a body may hold `&`
Reply   always code, message, requestId; a `clientRequestId` comes back as the number that it is
Errors  CmqError; a text never repeats what came
Source  cmq.md 2.1 to 2.5; gateway.md 3
Cost    about 6 us for a request of 600 bytes
"""

import functools
import itertools
import re
import secrets
from binascii import a2b_qp
from collections.abc import Mapping

import msgspec

from adapters.gateway.errors import CmqError, Row

REQUEST_BYTES = (1 << 20) + (64 << 10)
"""The most that all values may have, decoded: 1 MB of bodies, and what goes with them."""

WIRE_BYTES = 3 * REQUEST_BYTES + (16 << 10)
"""The most that is read of a body: every byte may come as three."""

PARAMETERS = 256
"""The most that are read; the largest request that makes sense has about 30."""

PATHS = {
    "/": "/",
    "/v2/index.php": "/v2/index.php",
    "/v2/index.php/v2/index.php": "/v2/index.php",
}
"""The paths that are answered, and how each is signed: a client in PHP doubles the path of a GET, and signs one."""

CLIENT_REQUEST_ID = "clientRequestId"

_UINT64 = 2**64 - 1

_BODY = re.compile(r"msgBody(?:\.[0-9]{1,3})?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)


class Request(msgspec.Struct, frozen=True, gc=False):
    """A request as it came.

    Attributes:
        host: the Host header as it was sent; empty where there was none.
        path: as it was sent, without the query.
        local: the address that it came to, HOST:PORT.
    """

    method: str
    host: str
    path: str
    query: bytes
    body: bytes
    local: str = ""


def signed_path(path: str) -> str:
    """The path as its client signs it.

    Raises:
        CmqError: UNPARSABLE, no such path.
    """
    signed = PATHS.get(path)
    if signed is None:
        raise Row.UNPARSABLE.error("path must be / or /v2/index.php")
    return signed


def is_body(name: str) -> bool:
    """Whether a parameter is a message's text: `msgBody` or `msgBody.N`."""
    return name.startswith("msgBody") and _BODY.fullmatch(name) is not None


def parameters(request: Request) -> dict[str, str]:
    """The parameters of a request, from query and body.

    Raises:
        CmqError: METHOD, UNPARSABLE, BAD_PARAMETER, PARAMETER_REPEATED.
    """
    form, text = _form(request)
    found: dict[str, str] = {}
    for pair in text.split("&"):
        if not pair:
            continue
        raw_name, equals, value = pair.partition("=")
        if not equals:
            raise Row.UNPARSABLE.error("a parameter must be name=value")
        name = _name(raw_name)
        if "%" in value:
            value = _unescaped(value)
            if "&" in value and not is_body(name):
                raise Row.BAD_PARAMETER.error(f"{name} must not hold '&'")
        if name in found:
            raise Row.PARAMETER_REPEATED.error(f"{name} is there twice")
        found[name] = value
    if len(form) > REQUEST_BYTES and sum(len(value.encode()) for value in found.values()) > REQUEST_BYTES:
        raise Row.UNPARSABLE.error()
    return found


def _form(request: Request) -> tuple[bytes, str]:
    """All pairs, as they came and as text, `+` being a blank."""
    if request.method not in {"GET", "POST"}:
        raise Row.METHOD.error()
    form = b"&".join([part for part in (request.query, request.body) if part])
    if len(form) > WIRE_BYTES or form.count(b"&") >= PARAMETERS:
        raise Row.UNPARSABLE.error()
    try:
        return form, form.replace(b"+", b" ").decode()
    except UnicodeDecodeError:
        raise Row.UNPARSABLE.error("not UTF-8") from None


@functools.lru_cache(maxsize=256)
def _name(raw: str) -> str:
    name = _unescaped(raw) if "%" in raw else raw
    if _NAME.fullmatch(name) is None:
        raise Row.BAD_PARAMETER.error("a parameter's name must be letters, digits, '.' and '-'")
    return name


def _unescaped(text: str) -> str:
    """Percent-encoded text, decoded as quoted-printable: the same form but for its sign, and done in C.

    Each good escape is shorter by two when it is decoded, and nothing else is, but for an escaped line end.
    """
    raw = text.encode()
    decoded = a2b_qp(raw.replace(b"=", b"=3D").replace(b"%", b"="))
    if len(decoded) != len(raw) - 2 * raw.count(b"%") or b"%\n" in raw or b"%\r" in raw:
        raise Row.UNPARSABLE.error("bad percent encoding")
    try:
        return decoded.decode()
    except UnicodeDecodeError:
        raise Row.UNPARSABLE.error("not UTF-8") from None


def client_request_id(values: Mapping[str, str]) -> int | None:
    """What the reply has to give back; None where nothing is to be.

    Raises:
        CmqError: PARAMETER_TYPE.
    """
    text = values.get(CLIENT_REQUEST_ID)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= _UINT64):
        raise Row.PARAMETER_TYPE.error(f"{CLIENT_REQUEST_ID} must be a whole number of 64 bits")
    return int(text)


class Replies:
    """Makes replies, each with an id of its own."""

    __slots__ = ("_count", "_encode", "_prefix")

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._prefix = secrets.token_hex(6)
        self._count = itertools.count(1)

    def of(self, fields: Mapping[str, object], client_id: int | None = None) -> bytes:
        """A reply with these fields; they may say code and message themselves.

        Raises:
            TypeError, ValueError: a field that JSON has no form for.
        """
        reply: dict[str, object] = {"code": 0, "message": "", "requestId": f"{self._prefix}-{next(self._count)}"}
        if client_id is not None:
            reply[CLIENT_REQUEST_ID] = client_id
        reply.update(fields)
        return self._encode(reply)

    def refusal(self, error: CmqError, client_id: int | None = None) -> bytes:
        """The reply of a row of the table."""
        return self.of({"code": error.code, "message": str(error)}, client_id)
