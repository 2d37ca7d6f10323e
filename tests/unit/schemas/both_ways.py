"""A record read with the quick reader and by fastavro alone."""

from schemas.avro import WrittenSchema, decode_avro
from schemas.cmq_message import message_text
from schemas.errors import AvroDecodeError
from schemas.events import BatchEvent


def outcome(schema: WrittenSchema, body: bytes) -> tuple[BatchEvent, bytes] | str:
    """The event and its text, in which the order of its fields counts too; or what is wrong."""
    try:
        event = decode_avro(b"\x00\x00\x00\x00\x01" + body, lambda _: schema)
    except AvroDecodeError as error:
        return str(error)
    return event, message_text(event)


def assert_same_both_ways(schema: WrittenSchema, body: bytes) -> None:
    """The same event, or the same error."""
    assert schema.quick is not None
    alone = outcome(schema._replace(quick=None), body)
    assert outcome(schema, body) == alone
    answer = schema.quick(body)
    assert answer is None or (answer, message_text(answer)) == alone
