"""One partition of a queue topic that is being read for somebody.

Shape   Follow: made by follow(), ended by unfollow() or because its topic is gone. Whatever was read carries its
        Follow, so what was under way when it ended is known: another follow() of the partition is another Follow
"""

from typing import Protocol

from adapters.gateway.slot_ports import BodyListener

Where = tuple[str, int]
"""Topic and partition."""


class Reader(Protocol):
    """Who reads it at the moment."""

    def changed(self, follow: "Follow", begin: int | None = None) -> None:
        """Take up what has become of it."""


class Follow:
    """Written by the event loop's thread, but for what its reader writes.

    Attributes:
        live: whether somebody follows.
        deviations: how many times in a row its topic was found to be gone, or another one; seen: whether it ever was.
        reader, position, heard_s: its reader's; where to read next, and when there was something last.
    """

    __slots__ = (
        "deviations",
        "heard_s",
        "listener",
        "live",
        "partition",
        "paused",
        "position",
        "reader",
        "seen",
        "topic",
        "topic_id",
    )

    def __init__(
        self, topic: str, partition: int, offset: int, listener: BodyListener, topic_id: str, reader: Reader
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.listener = listener
        self.topic_id = topic_id
        self.live = True
        self.paused = False
        self.seen = False
        self.deviations = 0
        self.reader = reader
        self.position = offset
        self.heard_s = 0.0

    @property
    def where(self) -> Where:
        """Topic and partition."""
        return self.topic, self.partition
