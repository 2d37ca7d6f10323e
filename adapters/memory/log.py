"""Topics, and what one group has committed: all that outlives a process.

Shape   MemoryLog(partitions): topic(name) -> MemoryTopic, made when first asked for; commits[topic][partition].
        Sources, readers and transactions of any number of processes share it: to crash one, throw its parts away
Fence   join() makes a member, moved() its next epoch, expel() ends it: a commit or transaction in the name of an old
        epoch, or of a member that is out, is refused, as Kafka refuses it
"""

import msgspec

from adapters.memory.topic import MemoryTopic
from pipeline.ports import Commit


class Membership(msgspec.Struct, frozen=True):
    """Who somebody is in the group, at one time."""

    member: int
    epoch: int


class MemoryLog:
    """One cluster and one group."""

    def __init__(self, partitions: int = 1) -> None:
        self.commits: dict[str, dict[int, Commit]] = {}
        self._partitions = partitions
        self._topics: dict[str, MemoryTopic] = {}
        self._members: dict[int, Membership] = {}
        self._joined = 0

    def topic(self, name: str) -> MemoryTopic:
        """A topic."""
        if name not in self._topics:
            self._topics[name] = MemoryTopic(self._partitions)
        return self._topics[name]

    def make_anew(self, name: str) -> MemoryTopic:
        """Delete a topic and create it again: another id, an empty log. What the group has committed stays."""
        self._topics.pop(name, None)
        return self.topic(name)

    def join(self) -> Membership:
        """A new member."""
        self._joined += 1
        return self._enter(Membership(self._joined, 1))

    def moved(self, membership: Membership) -> Membership:
        """A member whose partitions have moved, or that has joined again."""
        return self._enter(Membership(membership.member, membership.epoch + 1))

    def expel(self, membership: Membership) -> None:
        """The session has expired, whether or not the member knows."""
        self._members.pop(membership.member, None)

    def knows(self, membership: object) -> bool:
        """Whether this is a member, and as it is now."""
        return membership in self._members.values()

    def committed(self, topic: str) -> dict[int, int]:
        """The group's offsets in a topic, without their notes."""
        return {partition: commit.offset for partition, commit in self.commits.get(topic, {}).items()}

    def commit(self, topic: str, commits: dict[int, Commit]) -> None:
        """Note offsets."""
        self.commits.setdefault(topic, {}).update(commits)

    def _enter(self, membership: Membership) -> Membership:
        self._members[membership.member] = membership
        return membership
