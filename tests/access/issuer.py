"""An OAuth 2 server, as far as a client of Kafka asks: tokens for client credentials, and the keys that verify them.

Shape   Issuer() as a context; .token_url, .keys_url. `lifetime_s` is that of the next tokens, and may be over; who asks
        with another secret than SECRET is refused
Source  RFC 6749 section 4.4, RFC 7515 (RS256), RFC 7517
"""

import json
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT, SECRET, AUDIENCE = "batch-events", "the-secret-of-the-client", "kafka"
KEY_ID = "key-1"


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Issuer:
    """Issues to one client."""

    def __init__(self) -> None:
        self.lifetime_s = 300.0
        self.issued = 0
        self._key = rsa.generate_private_key(65537, 2048)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def token_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/token"

    @property
    def keys_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/keys"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self) -> dict[str, Any]:
        now_s = int(time.time())
        claims = {"sub": CLIENT, "aud": AUDIENCE, "iat": now_s - 600, "exp": int(now_s + self.lifetime_s)}
        head = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        signed = ".".join(_text(json.dumps(part).encode()) for part in (head, claims))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        self.issued += 1
        return {"access_token": f"{signed}.{_text(signature)}", "token_type": "Bearer", "expires_in": self.lifetime_s}

    def keys(self) -> dict[str, Any]:
        public = self._key.public_key().public_numbers()
        key = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": KEY_ID,
            "n": _number(public.n),
            "e": _number(public.e),
        }
        return {"keys": [key]}


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, issuer.keys())

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            who = b64decode(self.headers.get("Authorization", "Basic ").removeprefix("Basic ")).decode()
            if who != f"{CLIENT}:{SECRET}" or form.get("grant_type") != ["client_credentials"]:
                self._answer(401, {"error": "invalid_client", "error_description": "unknown client or wrong secret"})
            else:
                self._answer(200, issuer.token())

        def _answer(self, status: int, answer: dict[str, Any]) -> None:
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            """Quiet."""

    return Handler
