"""The client that asks for topic ids, and that others ask through."""

from typing import TYPE_CHECKING, cast

from pipeline.topic_ids import TopicIds

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient


class Idle:
    """A client that has nothing under way: its length is 0."""

    def __len__(self) -> int:
        return 0


def test_everybody_asks_through_one_client_also_while_it_is_idle() -> None:
    ids = TopicIds(lambda: cast("AdminClient", Idle()))
    assert ids.client() is ids.client()
