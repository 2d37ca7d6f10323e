"""Free text: what a client of the CMQ API published, beside or in place of Batch events.

Shape   is_text(record); of one that is: checked_text(record) -> its bytes, text_message_id_of(record, topic) -> msgId,
        tags_line(headers) -> bytes for x-cmq-message-tag
        tags_of(headers), routing_key_of(headers) for the filters, record_id(headers), of any record
Form    the record's value is the text itself, UTF-8. Headers: `content-type: text/plain`, in these very bytes;
        `cmq_msg_id`, `cmq_tags` (joined with commas), `cmq_routing_key`, each where there is one
Order   such a record has no key: those of a partition are delivered in the order of the log, as all that have none
Cost    an event in single-object encoding is told from a text by its first two bytes, which no UTF-8 text has; of any
        other record the headers are looked through
"""

from pipeline.headers import EVENT_ID, Headers, find_header
from pipeline.ports import Record
from schemas.avro import SINGLE_OBJECT_MARKER
from schemas.identity import text_message_id

TEXT = ("content-type", b"text/plain")
"""The header that says it."""

MESSAGE_ID = "cmq_msg_id"
TAGS = "cmq_tags"
ROUTING_KEY = "cmq_routing_key"

MAX_ID_DIGITS = 20


class TextError(ValueError):
    """A text, or its tags, that no subscriber can be given."""


def is_text(record: Record) -> bool:
    """Whether a record is a text; one without a value is nothing."""
    value = record.value
    return value is not None and value[:2] != SINGLE_OBJECT_MARKER and TEXT in record.headers


def checked_text(record: Record) -> bytes:
    """The text of such a record.

    Raises:
        TextError: it is not UTF-8; PublishMessage takes no such text.
    """
    text = record.value or b""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise TextError(f"a text that is not UTF-8: {error.reason} at byte {error.start}") from None
    return text


def text_message_id_of(record: Record, topic_name: str) -> str:
    """The msgId that its publisher was told; derived from where it lies, if there is none."""
    told = find_header(record.headers, MESSAGE_ID) or b""
    if told.isdigit() and len(told) <= MAX_ID_DIGITS:
        return told.decode("ascii")
    return text_message_id(topic_name, record.partition, record.offset)


def record_id(headers: Headers) -> bytes:
    """What tells a record from others, wherever it lies: the event id, of a text its msgId; empty without either."""
    return find_header(headers, EVENT_ID) or find_header(headers, MESSAGE_ID) or b""


def tags_of(headers: Headers) -> list[str]:
    """The tags of a message; none of one that has no such header."""
    joined = find_header(headers, TAGS)
    return joined.decode("utf-8", "replace").split(",") if joined else []


def tags_line(headers: Headers) -> bytes:
    """The tags as CMQ writes them in a header; empty without any.

    Raises:
        TextError: they would not stay in their line.
    """
    joined = find_header(headers, TAGS)
    if not joined:
        return b""
    try:
        printable = joined.decode().isprintable()
    except UnicodeDecodeError:
        printable = False
    if not printable:
        raise TextError(f"{TAGS} {joined!r:.80} cannot stand in a header line")
    return joined.replace(b",", b", ")


def routing_key_of(headers: Headers) -> str:
    """The routing key; empty without one."""
    return (find_header(headers, ROUTING_KEY) or b"").decode("utf-8", "replace")
