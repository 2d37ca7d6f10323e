"""The parameters of a request, each read as what it is to be; what is wrong with one is CMQ's own row.

Shape   Params(values): text, optional_text, number, optional_number, items, body, bodies
Lists   `name.0` or `name.1` and on, without a gap, a leading zero or another spelling
Empty   a text that must be there and is empty is missing; an empty number is none
Errors  CmqError. Its text names the parameter and never repeats the value
Source  cmq.md 2.4, 3 and 4
Cost    one look-up a value; items() looks at every name once
"""

import re
from collections.abc import Mapping

from adapters.gateway.errors import Row

BATCH = 16
"""The most bodies or handles in a request."""

_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)


class Params:
    """One request's."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, missing: Row = Row.PARAMETER_MISSING) -> str:
        """A text that must be there.

        Raises:
            CmqError: the row `missing`.
        """
        value = self._values.get(name)
        if not value:
            raise missing.error(f"{name} is missing")
        return value

    def optional_text(self, name: str, default: str = "") -> str:
        """A text that may be absent; one that is there and empty is empty."""
        return self._values.get(name, default)

    def number(
        self,
        name: str,
        least: int,
        most: int,
        default: int | None = None,
        out_of_range: Row = Row.PARAMETER_OUT_OF_RANGE,
    ) -> int:
        """A whole number; without a default it must be there.

        Raises:
            CmqError: PARAMETER_MISSING, PARAMETER_TYPE, or the row `out_of_range`.
        """
        value = self.optional_number(name, least, most, out_of_range)
        if value is not None:
            return value
        if default is None:
            raise Row.PARAMETER_MISSING.error(f"{name} is missing")
        return default

    def optional_number(
        self, name: str, least: int, most: int, out_of_range: Row = Row.PARAMETER_OUT_OF_RANGE
    ) -> int | None:
        """A whole number; None where it is absent.

        Raises:
            CmqError: PARAMETER_TYPE, or the row `out_of_range`.
        """
        text = self._values.get(name)
        if text is None:
            return None
        if _WHOLE.fullmatch(text) is None:
            raise Row.PARAMETER_TYPE.error(f"{name} must be a whole number")
        value = int(text)
        if not least <= value <= most:
            raise out_of_range.error(f"{name} must be from {least} to {most}")
        return value

    def items(self, name: str, most: int, too_many: Row = Row.BATCH_TOO_BIG) -> list[str]:
        """`name.N` in order of N; none is an empty list.

        Raises:
            CmqError: INDICES, or the row `too_many`.
        """
        values = self._values
        prefix = f"{name}."
        count = sum(1 for one in values if one.startswith(prefix))
        if count == 0:
            return []
        first = 0 if f"{prefix}0" in values else 1
        found = [values.get(f"{prefix}{index}") for index in range(first, first + min(count, most + 1))]
        items = [value for value in found if value is not None]
        if len(items) < len(found):
            raise Row.INDICES.error(f"{name}.N must count from 0 or 1 without a gap")
        if count > most:
            raise too_many.error(f"{name}.N: at most {most}")
        return items

    def some_items(self, name: str, most: int, too_many: Row = Row.BATCH_TOO_BIG) -> list[str]:
        """As items(), one at least.

        Raises:
            CmqError: PARAMETER_MISSING, INDICES, or the row `too_many`.
        """
        items = self.items(name, most, too_many)
        if not items:
            raise Row.PARAMETER_MISSING.error(f"{name}.N is missing")
        return items

    def body(self) -> bytes:
        """`msgBody`, its UTF-8.

        Raises:
            CmqError: PARAMETER_MISSING, EMPTY_BODY.
        """
        value = self._values.get("msgBody")
        if value is None:
            raise Row.PARAMETER_MISSING.error("msgBody is missing")
        return _body(value)

    def bodies(self) -> list[bytes]:
        """`msgBody.N`, 1 to 16, their UTF-8.

        Raises:
            CmqError: PARAMETER_MISSING, EMPTY_BODY, INDICES, BATCH_TOO_BIG.
        """
        return [_body(value) for value in self.some_items("msgBody", BATCH)]


def _body(value: str) -> bytes:
    if not value:
        raise Row.EMPTY_BODY.error()
    return value.encode()
