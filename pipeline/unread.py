"""How long an event has lain in the log that nobody has read yet: at least so long.

Its publish time is not known before it is read. But whoever saw the log's end beyond an offset knows that the event at
it was there by then. So each look notes the end and the time, and an unread event is as old as the first look that saw
the end beyond it.

Shape   Unread, one an input: looked(partition, position, end, now_ms) -> since when the event at `position` is known to
        lie there, None if the log ends there; forget(partitions)
Bounds  MARKS looks a partition: when there are more, every second one is left out, and an age may come out too small by
        that gap, a small part of it. No Kafka, no clock
"""

MARKS = 32


class Unread:
    """By partition, the ends that were seen, and when."""

    def __init__(self) -> None:
        self._marks: dict[int, list[tuple[int, int]]] = {}

    def looked(self, partition: int, position: int, end: int, now_ms: int) -> int | None:
        """Note a look at the log's end."""
        marks = [mark for mark in self._marks.get(partition, []) if position < mark[0] <= end]
        if end > position and (not marks or marks[-1][0] < end):
            marks.append((end, now_ms))
        if len(marks) > MARKS:
            marks = marks[::2]
        self._marks[partition] = marks
        return marks[0][1] if marks else None

    def forget(self, partitions: set[int]) -> None:
        """They are not ours any more."""
        for partition in partitions:
            self._marks.pop(partition, None)
