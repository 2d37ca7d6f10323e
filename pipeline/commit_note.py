"""What travels in the metadata of each committed offset: the map of what is settled beyond it, and what fences need.

Shape   CommitNote <-> text of at most MAX_BYTES ASCII characters; runs are [lengths], unsettled and settled in turn,
        beginning at the committed offset
Form    `1;<topic id>;<held topic id>;<held offset>;<held keys>;<transactional id>;<map>`, the map being the runs as
        LEB128 numbers, compressed (`z`) or as they are (`-`), whichever is shorter, in Base85
Bounds  Kafka refuses metadata of 4,096 bytes; 4,000 are ours: write_fitting() cuts the end of a map that is too long
Errors  reading is total: text that is not such a note gives None, and the partition starts without a map
"""

import binascii
import logging
import zlib
from base64 import b85decode, b85encode
from collections.abc import Iterable, Iterator

import msgspec

log = logging.getLogger(__name__)

MAX_BYTES = 4_000

VERSION = "1"


class CommitNote(msgspec.Struct, frozen=True):
    """The metadata of one partition's committed offset.

    Attributes:
        topic_id: of the event topic; another id means another log, and the note is void.
        held_topic_id: of the topic of held keys.
        held_offset: of the last record written there for this partition; -1 for none.
        held_keys: how many keys are held in this partition.
        transactional_id: whose transaction may be open; empty for none.
        runs: lengths of unsettled and settled runs in turn, from the committed offset on; they end with a settled one.
    """

    topic_id: str = ""
    held_topic_id: str = ""
    held_offset: int = -1
    held_keys: int = 0
    transactional_id: str = ""
    runs: tuple[int, ...] = ()

    def settled_ranges(self, offset: int) -> Iterator[tuple[int, int]]:
        """The ranges [from, to) that are settled beyond the committed offset."""
        for index, length in enumerate(self.runs):
            if index % 2:
                yield offset, offset + length
            offset += length


def runs_of(at: int, ranges: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Ranges [from, to) as a note tells them, beginning at an offset."""
    runs: list[int] = []
    for first, end in ranges:
        runs += [first - at, end - first]
        at = end
    return tuple(runs)


def write_note(note: CommitNote) -> str:
    """The metadata text; it may be longer than MAX_BYTES, the caller measures."""
    head = (VERSION, note.topic_id, note.held_topic_id, note.held_offset, note.held_keys, note.transactional_id)
    return ";".join(map(str, head)) + ";" + _pack(note.runs)


def write_fitting(note: CommitNote, most: int = MAX_BYTES) -> str:
    """The metadata text, without the end of its map if it were too long: that much is received again after a crash.

    Args:
        note: what it is to say.
        most: bytes that the broker takes; 0 for none, then nothing is said at all.
    """
    if not most:
        return ""
    text, runs = write_note(note), note.runs
    while len(text) > most and runs:
        runs = runs[: len(runs) * 3 // 8 * 2]
        text = write_note(msgspec.structs.replace(note, runs=runs))
    if len(runs) < len(note.runs):
        log.warning("commit_map_cut", extra={"runs": len(note.runs), "kept": len(runs)})
    return text


def read_note(text: str) -> CommitNote | None:
    """The note in a metadata text; None if it is not one of ours."""
    try:
        version, topic_id, held_topic_id, held_offset, held_keys, transactional_id, packed = text.split(";", 6)
        if version != VERSION:
            return None
        runs = _unpack(packed)
        return CommitNote(topic_id, held_topic_id, int(held_offset), int(held_keys), transactional_id, runs)
    except (ValueError, zlib.error, binascii.Error):
        return None


def _pack(runs: Iterable[int]) -> str:
    out = bytearray()
    for run in runs:
        rest = run
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        out.append(rest)
    compressed = zlib.compress(bytes(out), 6)
    if len(compressed) < len(out):
        return "z" + b85encode(compressed).decode()
    return "-" + b85encode(bytes(out)).decode()


def _unpack(text: str) -> tuple[int, ...]:
    if text[:1] not in {"z", "-"}:
        raise ValueError("no map")
    packed = b85decode(text[1:])
    data = zlib.decompress(packed) if text[0] == "z" else packed
    runs: list[int] = []
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            runs.append(value)
            value = shift = 0
    return tuple(runs)
