"""The client that asks for topic ids, and that others ask through."""

from pipeline.cluster import Cluster


def test_everybody_asks_through_one_client() -> None:
    cluster = Cluster({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})
    assert cluster.topic_ids.client() is cluster.topic_ids.client()
