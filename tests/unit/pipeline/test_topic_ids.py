"""The client that asks for topic ids, and that others ask through."""

from typing import cast

from confluent_kafka.admin import AdminClient

from pipeline.topic_ids import TopicIds


class Idle:
    """A client that has nothing under way: its length is 0."""

    def __len__(self) -> int:
        return 0


def test_everybody_asks_through_one_client_also_while_it_is_idle() -> None:
    ids = TopicIds(lambda: cast("AdminClient", Idle()))
    assert ids.client() is ids.client()
