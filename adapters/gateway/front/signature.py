"""Whether a request was signed with a key: CMQ's string to sign, with the quirks of its clients and no forgeries.

Shape   is_signed(method, hosts, path, values, secret) -> bool. Pure; compares in constant time
String  METHOD + host + path + "?" + `name=value` joined by `&`, names in byte order, values raw, without `Signature`
Method  HmacSHA256 is SHA-256, anything else SHA-1; `sha256`, which one client writes, may be either
Quirks  of clients that say in the signed RequestClient that they are SDK_Python or SDK_PHP, in POST, of bodies only,
        all bodies alike:
        - all that begin with `@` are left out of the string, though they are sent. Not taken where the rest would be a
          request by itself: somebody may have signed that, and `msgBody.3=@…` been added to it by somebody else;
        - of SDK_Python, one that was bytes is signed as `b'…'`. Taken only where all of it is Base64: of other text
          the form would not be the only one
Source  cmq.md 2.3; gateway.md 3
Cost    about 4 us for a request of 600 bytes
"""

import hmac
import re
from binascii import b2a_base64
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from adapters.gateway.front.protocol import is_body

SIGNATURE = "Signature"

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)
_LEAVES_OUT = ("SDK_Python", "SDK_PHP")
_SIGNS_REPR = "SDK_Python"


def string_to_sign(method: str, host: str, path: str, values: Mapping[str, str]) -> str:
    """What is signed, of values without `Signature`."""
    return f"{method}{host}{path}?" + "&".join(map("=".join, sorted(values.items())))


def signature(text: str, secret: bytes, digest: str) -> bytes:
    """The signature of a string, in Base64; digest is `sha1` or `sha256`."""
    return b2a_base64(hmac.digest(secret, text.encode(), digest), newline=False)


def is_signed(method: str, hosts: Sequence[str], path: str, values: Mapping[str, str], secret: bytes) -> bool:
    """Whether `Signature` is right for everything else that was sent.

    Args:
        hosts: the forms in which the client may have signed the host; the most likely first.
        values: all parameters, decoded; `Signature` among them.
    """
    given = values[SIGNATURE].encode()
    signed = dict(values)
    del signed[SIGNATURE]
    for form in _forms(method, signed):
        rest = string_to_sign("", "", "", form)
        for host in hosts:
            for digest in _digests(signed.get("SignatureMethod", "")):
                if hmac.compare_digest(signature(f"{method}{host}{path}{rest}", secret, digest), given):
                    return True
    return False


def _digests(method: str) -> Sequence[str]:
    match method:
        case "HmacSHA256":
            return ("sha256",)
        case "sha256":
            return ("sha256", "sha1")
        case _:
            return ("sha1",)


def _forms(method: str, values: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """What may have been signed, the most likely first."""
    yield values
    client = values.get("RequestClient", "")
    if method != "POST" or not client.startswith(_LEAVES_OUT):
        return
    bodies = {name: value for name, value in values.items() if is_body(name)}
    left_out = {name for name, value in bodies.items() if value.startswith("@")}
    if left_out:
        if not _are_all(bodies.keys() - left_out):
            yield {name: value for name, value in values.items() if name not in left_out}
    elif bodies and client.startswith(_SIGNS_REPR) and all(map(_BASE64.fullmatch, bodies.values())):
        yield {**values, **{name: f"b'{value}'" for name, value in bodies.items()}}


def _are_all(bodies: AbstractSet[str]) -> bool:
    """Whether these could be all bodies of a request: one alone, or a list from 0 or 1 without a gap."""
    if "msgBody" in bodies:
        return True
    indices = sorted(int(name.partition(".")[2]) for name in bodies)
    return bool(indices) and indices[0] <= 1 and indices[-1] - indices[0] == len(indices) - 1
