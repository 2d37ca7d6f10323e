"""Whose key a request is signed with, what that key may do, and how often.

Shape   Keys(specs, now_s).of(secret_id) -> Key; key.check_may(action, names); key.take_turn(now_s)
Right   actions and names as globs with `*`, regardless of case. A key for certain names may not call what names
        nothing, such as ListQueue: the reply would tell of the others
Rate    a token bucket: so many calls a second, one second's worth at once
Errors  CmqError: BAD_SECRET_ID, UNKNOWN_SECRET_ID, KEY_DISABLED; NOT_PERMITTED; RATE
Source  cmq.md 2.2 and 4
"""

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from adapters.gateway.errors import Row

ID_PREFIX = "AKID"
"""Every SecretId begins with it."""


class KeySpec(msgspec.Struct, frozen=True):
    """What the configuration says of a key; None: not limited."""

    secret_id: str
    secret: str
    actions: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    rate: float | None = None
    enabled: bool = True

    def __repr__(self) -> str:
        return f"KeySpec(secret_id={self.secret_id!r}, secret=***)"


class TokenBucket:
    """So many a second; what was not used is kept for one second."""

    __slots__ = ("_at_s", "_rate", "_size", "_tokens")

    def __init__(self, rate: float, now_s: float) -> None:
        self._rate = rate
        self._size = max(1.0, rate)
        self._tokens = self._size
        self._at_s = now_s

    def take(self, now_s: float) -> bool:
        """Take one, if there is one."""
        if now_s > self._at_s:
            self._tokens = min(self._size, self._tokens + (now_s - self._at_s) * self._rate)
            self._at_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class Key:
    """A key in use."""

    __slots__ = ("_actions", "_bucket", "_names", "enabled", "secret", "secret_id")

    def __init__(self, spec: KeySpec, now_s: float) -> None:
        self.secret_id = spec.secret_id
        self.secret = spec.secret.encode()
        self.enabled = spec.enabled
        self._actions = _globs(spec.actions)
        self._names = _globs(spec.names)
        self._bucket = None if spec.rate is None else TokenBucket(spec.rate, now_s)

    def __repr__(self) -> str:
        return f"Key({self.secret_id!r})"

    @property
    def is_limited(self) -> bool:
        """Whether there is anything that it may not."""
        return self._actions is not None or self._names is not None

    def check_may(self, action: str, names: Sequence[str]) -> None:
        """Whether it may call this action on these queues and topics.

        Raises:
            CmqError: NOT_PERMITTED.
        """
        if self._actions is not None and self._actions.fullmatch(action) is None:
            raise Row.NOT_PERMITTED.error()
        if self._names is not None and not (names and all(map(self._names.fullmatch, names))):
            raise Row.NOT_PERMITTED.error()

    def take_turn(self, now_s: float) -> None:
        """Count a call.

        Raises:
            CmqError: RATE.
        """
        if self._bucket is not None and not self._bucket.take(now_s):
            raise Row.RATE.error()


class Keys:
    """Those of the configuration."""

    def __init__(self, specs: Iterable[KeySpec], now_s: Callable[[], float]) -> None:
        self._keys = {spec.secret_id: Key(spec, now_s()) for spec in specs}

    def of(self, secret_id: str) -> Key:
        """The key of this id, enabled or not.

        Raises:
            CmqError: BAD_SECRET_ID, UNKNOWN_SECRET_ID.
        """
        key = self._keys.get(secret_id)
        if key is None:
            row = Row.UNKNOWN_SECRET_ID if secret_id.startswith(ID_PREFIX) else Row.BAD_SECRET_ID
            raise row.error()
        return key


def _globs(globs: Sequence[str] | None) -> re.Pattern[str] | None:
    """One pattern for all of them; None where nothing is limited."""
    if globs is None:
        return None
    one_of = "|".join(re.escape(glob).replace(r"\*", ".*") for glob in globs)
    return re.compile(one_of or r"(?!)", re.IGNORECASE | re.ASCII)
