"""The attempts of one input of a traced subscription, and its dead letters, as entries of the trace topic.

Shape   TraceLog(…).attempts(batch) from the attempt log's flush, a few times a second; buried(letters) when letters
        are durable. Both on the event loop's thread
Cost    about 1 us an attempt, and one record for all attempts of a flush whose keys share a trace partition
Topic   as long as it is not there, or nobody has told how many partitions it has, the latest KEPT entries wait
"""

from collections import deque

from adapters.trace_writer import TraceWriter
from pipeline.clock import Clock
from pipeline.free_text import record_id
from pipeline.item import Attempt
from pipeline.outcome import outcome_words
from pipeline.ports import DeadLetter, Record
from pipeline.topics import TRACE_TOPIC
from pipeline.trace_record import DEAD_LETTER, MAX_ID, MAX_REASON, TraceEntry, blocks, trace_partition

KEPT = 10_000


class TraceLog:
    """One input's."""

    def __init__(self, label: str, source: int, clock: Clock, writer: TraceWriter) -> None:
        self._label = label
        self._source = source
        self._clock = clock
        self._writer = writer
        self._kept: deque[TraceEntry] = deque()

    def attempts(self, attempts: list[Attempt]) -> None:
        """Write attempts that have ended."""
        self._write([self._of_attempt(attempt) for attempt in attempts])

    def buried(self, letters: list[DeadLetter]) -> None:
        """Write that these dead letters are durable."""
        now_ms = self._clock.now_ms()
        self._write([self._of_letter(letter, now_ms) for letter in letters])

    def end(self) -> None:
        """Nothing more will come: what still waits for the topic is dropped."""
        if self._kept:
            self._writer.dropped(self._label, len(self._kept), "the process ends")
            self._kept.clear()

    def _write(self, entries: list[TraceEntry]) -> None:
        partitions = self._writer.partitions
        if not partitions:
            self._keep(entries)
            return
        if self._kept:
            entries = [*self._kept, *entries]
            self._kept.clear()
        groups: dict[int, list[TraceEntry]] = {}
        for entry in entries:
            groups.setdefault(trace_partition(entry.key, partitions), []).append(entry)
        for partition, group in groups.items():
            for value, count in blocks(group):
                self._writer.write(partition, self._label, value, count)

    def _keep(self, entries: list[TraceEntry]) -> None:
        self._kept.extend(entries)
        if (over := len(self._kept) - KEPT) > 0:
            for _ in range(over):
                self._kept.popleft()
            self._writer.dropped(self._label, over, f"no topic {TRACE_TOPIC}")

    def _of_attempt(self, attempt: Attempt) -> TraceEntry:
        item, record = attempt.item, attempt.item.record
        outcome, status, reason = outcome_words(attempt.outcome)
        retry_in_s = attempt.retry_in_s
        return TraceEntry(
            attempt.started_ms,
            self._source,
            record.partition,
            record.offset,
            _key(record),
            _event_id(record),
            item.push.msg_id,
            attempt.number,
            outcome,
            status,
            reason and reason[:MAX_REASON],
            round(attempt.duration_s * 1000, 1),
            None if retry_in_s is None else attempt.started_ms + int((attempt.duration_s + retry_in_s) * 1000),
        )

    def _of_letter(self, letter: DeadLetter, now_ms: int) -> TraceEntry:
        record = letter.record
        return TraceEntry(
            now_ms,
            self._source,
            record.partition,
            record.offset,
            _key(record),
            _event_id(record),
            "",
            letter.attempts,
            DEAD_LETTER,
            letter.status,
            letter.reason[:MAX_REASON],
            None,
            None,
        )


def _key(record: Record) -> bytes | None:
    key = record.key
    return key if key is None or len(key) <= MAX_ID else key[:MAX_ID]


def _event_id(record: Record) -> bytes:
    return record_id(record.headers)[:MAX_ID]
