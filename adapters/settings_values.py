"""What one value of the configuration may be, whatever key it stands at.

Shape   annotated types for the models of settings.py. Each refuses with a reason that does not repeat the value
"""

import re
import ssl
from datetime import UTC, date, datetime
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from adapters.callback.signature import secret_fault
from adapters.gateway.front.keys import ID_PREFIX
from adapters.gateway.peers.peer_address import internal_parts
from pipeline.subscription import Start
from pipeline.topics import DAY_MS
from schemas.events import canonical_event_name
from schemas.names import name_fault

_T = TypeVar("_T")

MAX_ENDPOINT_LENGTH = 500
MAX_RETENTION_S = 100 * 365 * DAY_MS // 1000

_PREFIX = re.compile(r"[a-zA-Z0-9._-]{0,100}")
_SECRET_ID = re.compile(rf"{ID_PREFIX}[A-Za-z0-9]{{1,60}}", re.ASCII)
_HOST = re.compile(r"\*|(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?", re.ASCII)
_GLOB = re.compile(r"[A-Za-z0-9_*-]{1,64}", re.ASCII)
_LISTEN = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+):([0-9]{1,5})")


def _cmq_name(text: str) -> str:
    if (fault := name_fault(text)) is not None:
        raise ValueError(fault)
    return text


def _event(text: str) -> str:
    name = canonical_event_name(text)
    if name is None:
        raise ValueError("is not an event name (such as JOB_FAILED)")
    return name


def _url(text: str) -> str:
    """An address to call; it must not hold secrets."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be ASCII without blanks; write other characters percent-encoded")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise ValueError("must be a URL; its host or port is not one") from None
    if url.username is not None or url.password is not None:
        raise ValueError("must not hold a user or password")
    if url.scheme not in {"http", "https"} or not url.hostname or port == 0:
        raise ValueError("must be an http:// or https:// URL with a host")
    return text


def _endpoint_url(text: str) -> str:
    if len(text) > MAX_ENDPOINT_LENGTH:
        raise ValueError(f"is {len(text)} characters long, allowed are {MAX_ENDPOINT_LENGTH}")
    return _url(text)


def _start(value: object) -> Start:
    match value:
        case Start():
            return value
        case "earliest" | "latest":
            return Start(value)
        case str() | date():
            return Start("time", _unix_ms(str(value)))
    raise ValueError(_START_FORMS)


def _unix_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:  # YAML reads a time with a trailing Z as UTC and drops the zone
            moment = moment.replace(tzinfo=UTC)
        time_ms = int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ValueError(_START_FORMS) from None
    if time_ms < 0:
        raise ValueError("lies before 1970")
    return time_ms


_START_FORMS = "must be earliest, latest or a time such as 2026-01-02T03:04:05Z"


def _listen(text: str) -> str:
    found = _LISTEN.fullmatch(text)
    if found is None or int(found[1]) > 65535:
        raise ValueError("must be HOST:PORT, an IPv6 host in brackets")
    return text


def _internal(text: str) -> str:
    internal_parts(text)
    return text


def _ca_file(text: str) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(text)
    except ssl.SSLError:
        raise ValueError("holds no certificates in PEM form") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot be read: {getattr(error, 'strerror', None) or 'not a path'}") from None
    return text


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004  pydantic hears of a ValueError
    return value


def _some(events: frozenset[str]) -> frozenset[str]:
    if not events:
        raise ValueError("is empty, so nothing would ever be delivered; leave it out for all events")
    return events


def _strings(value: object) -> object:
    """One string where a list is meant."""
    return [value] if isinstance(value, str) else value


def _secret(text: str) -> str:
    if (fault := secret_fault(text)) is not None:
        raise ValueError(fault)
    return text


def _secret_id(text: str) -> str:
    if _SECRET_ID.fullmatch(text) is None:
        raise ValueError(f"must be {ID_PREFIX} with letters and digits after it, 64 at most")
    return text


def _short_secret(value: object) -> object:
    """A key that is nothing but its secret."""
    return {"secret": value} if isinstance(value, str) else value


def _secret_key(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    return text


def _host(text: str) -> str:
    if _HOST.fullmatch(text) is None:
        raise ValueError("must be HOST or HOST:PORT without a scheme, an IPv6 host in brackets; or * for any")
    return text


def _glob(text: str) -> str:
    if _GLOB.fullmatch(text) is None:
        raise ValueError("must be a name, * standing for any part of it")
    return text


def _some_keys(keys: dict[str, _T]) -> dict[str, _T]:
    if not keys:
        raise ValueError("is empty, so nobody could call")
    return keys


def _prefix(text: str) -> str:
    if _PREFIX.fullmatch(text) is None:
        raise ValueError("must be at most 100 letters, digits, '.', '_' and '-'")
    return text


_NUMBER = BeforeValidator(_no_bool)

CmqName = Annotated[str, AfterValidator(_cmq_name)]
Prefix = Annotated[str, AfterValidator(_prefix)]
Listen = Annotated[str, AfterValidator(_listen)]
Internal = Annotated[str, AfterValidator(_internal)]
Url = Annotated[str, AfterValidator(_url)]
EndpointUrl = Annotated[str, AfterValidator(_endpoint_url)]
CaFile = Annotated[str, AfterValidator(_ca_file)]
Count = Annotated[int, _NUMBER, Field(ge=1, le=100_000)]
Replicas = Annotated[int, _NUMBER, Field(ge=1, le=32_767)]
Retention = Annotated[int, _NUMBER, Field(ge=1, le=MAX_RETENTION_S)]
Concurrency = Annotated[int, _NUMBER, Field(ge=1, le=10_000)]
Quota = Annotated[int, _NUMBER, Field(ge=1, le=10_000_000)]
Owner = Annotated[int, _NUMBER, Field(ge=0, le=10**15)]
TimeoutSeconds = Annotated[float, _NUMBER, Field(gt=0, le=300)]
GapSeconds = Annotated[float, _NUMBER, Field(ge=0, le=86_400)]
AgeSeconds = Annotated[float, _NUMBER, Field(gt=0, le=10 * 366 * 86_400)]
GraceSeconds = Annotated[float, _NUMBER, Field(gt=0, le=86_400)]
Events = Annotated[frozenset[Annotated[str, AfterValidator(_event)]], AfterValidator(_some)]
StartForm = Annotated[Start, BeforeValidator(_start)]
Secrets = Annotated[tuple[Annotated[str, AfterValidator(_secret)], ...], BeforeValidator(_strings)]
SecretId = Annotated[str, AfterValidator(_secret_id)]
SecretKey = Annotated[str, AfterValidator(_secret_key)]
Keys = Annotated[
    dict[SecretId, Annotated[_T, BeforeValidator(_short_secret)]],
    AfterValidator(_some_keys),
]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], BeforeValidator(_strings)]
Globs = Annotated[tuple[Annotated[str, AfterValidator(_glob)], ...], BeforeValidator(_strings)]
CallRate = Annotated[float, _NUMBER, Field(gt=0, le=1_000_000)]
