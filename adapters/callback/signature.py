"""Standard Webhooks signatures, next to CMQ's own headers.

Shape   Signer(secrets).headers(msg_id, body, now_s) -> the three webhook-* header lines
Form    HMAC-SHA256 over `id.timestamp.body`, Base64, `v1,` before each; all keys sign while they rotate
Source  Standard Webhooks specification 1.0
"""

import binascii
import hmac
from hashlib import sha256

PREFIX = "whsec_"


def secret_fault(secret: str) -> str | None:
    """What is wrong with a signing secret, without showing it; None if nothing is."""
    try:
        key = binascii.a2b_base64(secret.removeprefix(PREFIX), strict_mode=True)
    except ValueError:
        return f"is not Base64 (with or without the prefix {PREFIX})"
    return None if 24 <= len(key) <= 64 else f"holds {len(key)} bytes, allowed are 24 to 64"


class Signer:
    """Signs with every key of a subscription."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._keys = [binascii.a2b_base64(secret.removeprefix(PREFIX)) for secret in secrets]

    def headers(self, msg_id: str, body: bytes, now_s: int) -> bytes:
        """Header lines, each with its line end; empty without a key."""
        if not self._keys:
            return b""
        signed = f"{msg_id}.{now_s}.".encode() + body
        signatures = b" ".join(
            b"v1," + binascii.b2a_base64(hmac.digest(key, signed, sha256), newline=False) for key in self._keys
        )
        head = f"webhook-id: {msg_id}\r\nwebhook-timestamp: {now_s}\r\n".encode()
        return b"%swebhook-signature: %s\r\n" % (head, signatures)
