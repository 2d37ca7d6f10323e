"""A set of offsets as bits above a base: ten million of them are 1.25 MB.

Shape   Bitmap(start): add, discard, fill and clear ranges, `in`, count, missing(low, high)
Base    every offset below `base` is in the set; it is a multiple of eight, and moves up as the low end fills
Cost    add and `in` are constant; a range costs its bytes; the low end is cut off without copying
"""

import re
from collections.abc import Iterator

_MANY = 1 << 16
_NOT_FULL = re.compile(rb"[^\xff]")


class Bitmap:
    """The offsets below `base`, and those above it whose bit is set."""

    __slots__ = ("base", "bits")

    def __init__(self, start: int = 0) -> None:
        self.base = start & ~7
        self.bits = bytearray()
        if start > self.base:
            self.fill_below(start)

    def __contains__(self, offset: int) -> bool:
        at = offset - self.base
        if at < 0:
            return True
        byte = at >> 3
        return byte < len(self.bits) and bool(self.bits[byte] >> (at & 7) & 1)

    def __eq__(self, other: object) -> bool:
        """Whether the same offsets are in both."""
        if not isinstance(other, Bitmap):
            return NotImplemented
        return self.base == other.base and self.bits.rstrip(b"\0") == other.bits.rstrip(b"\0")

    __hash__ = None  # type: ignore[assignment]  # it changes

    def add(self, offset: int) -> None:
        """Put one in; call trim() after some of them."""
        at = offset - self.base
        if at < 0:
            return
        byte = at >> 3
        if byte >= len(self.bits):
            self.bits.extend(bytes(byte + 1 - len(self.bits)))
        self.bits[byte] |= 1 << (at & 7)

    def discard(self, offset: int) -> None:
        """Take one out that is not below the base."""
        at = offset - self.base
        if at < 0:
            raise ValueError(f"offset {offset} lies below the base {self.base}")
        if at >> 3 < len(self.bits):
            self.bits[at >> 3] &= ~(1 << (at & 7)) & 0xFF

    def trim(self) -> None:
        """Move the base up past what is full."""
        if self.bits and self.bits[0] == 0xFF:
            found = _NOT_FULL.search(self.bits)
            full = len(self.bits) if found is None else found.start()
            del self.bits[:full]
            self.base += full * 8

    def fill(self, low: int, high: int) -> None:
        """Put in all from low to below high."""
        low = max(low, self.base)
        if low >= high:
            return
        if high - low > _MANY and self.count(self.base, low) == low - self.base:
            self.fill_below(high)  # without bytes for what would be cut off at once
            return
        first, last = self._bytes(low, high)
        for offset in (*range(low, min(high, first)), *range(max(low, last), high)):
            self.add(offset)
        if first < last:
            at, end = (first - self.base) >> 3, (last - self.base) >> 3
            self.bits.extend(bytes(max(0, at - len(self.bits))))
            self.bits[at:end] = b"\xff" * (end - at)

    def fill_below(self, high: int) -> None:
        """Put in all below high."""
        base = high & ~7
        if base > self.base:
            del self.bits[: (base - self.base) >> 3]
            self.base = base
        for offset in range(self.base, high):
            self.add(offset)
        self.trim()

    def clear(self, low: int, high: int) -> None:
        """Take out all from low to below high; the base moves down to low if it lies above."""
        if low >= high:
            return
        self._lower(low)
        first, last = self._bytes(low, high)
        for offset in (*range(low, min(high, first)), *range(max(low, last), high)):
            self.discard(offset)
        if first < last:
            at, end = (first - self.base) >> 3, (last - self.base) >> 3
            held = len(self.bits)
            if at < held:
                end = min(end, held)
                self.bits[at:end] = bytes(end - at)

    def count(self, low: int, high: int) -> int:
        """How many from low to below high are in the set."""
        below = max(0, min(high, self.base) - low)
        low = max(low, self.base)
        if low >= high:
            return below
        at, end = (low - self.base) >> 3, (high - self.base + 7) >> 3
        number = int.from_bytes(self.bits[at:end], "little")
        skip = (low - self.base) & 7
        return below + (number >> skip & ((1 << (high - low)) - 1)).bit_count()

    def missing(self, low: int, high: int) -> Iterator[int]:
        """Those from low to below high that are not in the set; it may change in between, not its base."""
        offset = max(low, self.base)
        while offset < high:
            byte = (offset - self.base) >> 3
            if byte >= len(self.bits):
                yield from range(offset, high)
                return
            found = _NOT_FULL.search(self.bits, byte)
            if found is None:
                offset = self.base + len(self.bits) * 8
                continue
            start = self.base + found.start() * 8
            value = self.bits[found.start()]
            for one in range(max(offset, start), min(start + 8, high)):
                if not value >> (one - start) & 1:
                    yield one
            offset = start + 8

    def _bytes(self, low: int, high: int) -> tuple[int, int]:
        """The whole bytes of a range, as offsets; the first is not below the last only if there are none."""
        return (low + 7) & ~7, high & ~7

    def _lower(self, low: int) -> None:
        base = low & ~7
        if base < self.base:
            self.bits[:0] = b"\xff" * ((self.base - base) >> 3)
            self.base = base
