"""One partition of a queue topic that is being read for somebody.

Shape   Follow: made by follow(), ended by unfollow() or because its topic is gone. Whatever was read carries its
        Follow, so what was under way when it ended is known: another follow() of the partition is another Follow
"""

from adapters.gateway.slot_ports import BodyListener

Where = tuple[str, int]
"""Topic and partition."""


class Follow:
    """Its fields are written by the event loop's thread, but for `position`, which is the tail reader's."""

    __slots__ = ("listener", "live", "partition", "paused", "position", "topic", "topic_id")

    def __init__(self, topic: str, partition: int, offset: int, listener: BodyListener, topic_id: str) -> None:
        self.topic = topic
        self.partition = partition
        self.listener = listener
        self.topic_id = topic_id
        self.live = True
        self.paused = False
        self.position = offset

    @property
    def where(self) -> Where:
        """Topic and partition."""
        return self.topic, self.partition
