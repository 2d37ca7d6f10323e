"""Who owns a slot, as the group's coordinator sees it: slot -> internal address.

Shape   Directory(cluster): await address_of(slot), await confirms(slot, address), not_mine(slot, address); owners(…) is
        the decision
Asking  on demand only: for a slot that nobody is known for, or after an answer "not mine". At most once in EVERY_S, and
        all who wait share one question. While the group is rebalancing its description is without assignments: what was
        known stands
Errors  a question without an answer is logged; what was known stands. Its client goes with it: after a broker's restart
        one that was left waiting may wait for ever
"""

import asyncio
import logging
from collections.abc import Iterable

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import ConsumerGroupDescription  # type: ignore[attr-defined]  # they forgot __all__

from adapters.gateway.journal.journal_record import SLOTS_TOPIC
from adapters.gateway.journal.membership import CLIENT_ID, GROUP
from pipeline import group_questions
from pipeline.cluster import Cluster
from pipeline.kafka_errors import About, describe, no_answer
from pipeline.shared_admin import SharedAdmin

log = logging.getLogger(__name__)

EVERY_S = 0.25
ANSWER_S = 3.0


def owners(members: Iterable[tuple[str, Iterable[tuple[str, int]]]], topic: str) -> dict[int, str]:
    """Slot -> address.

    Args:
        members: client id of each, and its (topic, partition).
    """
    return {
        partition: client_id.removeprefix(CLIENT_ID)
        for client_id, assigned in members
        if client_id.startswith(CLIENT_ID)
        for assigned_topic, partition in assigned
        if assigned_topic == topic
    }


class Directory:
    """Asks the group's coordinator."""

    def __init__(self, cluster: Cluster, topic: str = SLOTS_TOPIC, group: str = GROUP) -> None:
        self._admin = SharedAdmin(cluster.admin)
        self._topic = topic
        self._group = group
        self._known: dict[int, str] = {}
        self._asking: asyncio.Task[bool] | None = None
        self._asked_s = float("-inf")

    async def address_of(self, slot: int) -> str | None:
        """The address of the slot's owner; None: nobody is known now, ask again."""
        if slot not in self._known:
            await self.refresh()
        return self._known.get(slot)

    async def confirms(self, slot: int, address: str) -> bool:
        """Whether the coordinator says now, not from memory, that the slot's owner is there."""
        return await self.refresh() and self._known.get(slot) == address

    def not_mine(self, slot: int, address: str) -> None:
        """That address has said that the slot is not its own: the next address_of asks again."""
        if self._known.get(slot) == address:
            del self._known[slot]

    async def refresh(self) -> bool:
        """Ask, with whoever else asks; whether there was an answer."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> bool:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._asked_s + EVERY_S - loop.time())
        self._asked_s = loop.time()
        try:
            description = await self._description()
        except KafkaException as error:
            log.warning("slot_owners_unknown", extra={"error": describe(error, About(group=self._group))})
            return False
        if description.state is not ConsumerGroupState.STABLE:
            return False
        members = [
            (one.client_id, [(part.topic, part.partition) for part in one.assignment.topic_partitions])
            for one in description.members
        ]
        self._known = owners(members, self._topic)
        return True

    async def _description(self) -> ConsumerGroupDescription:
        client = self._admin.client()
        told = asyncio.wrap_future(group_questions.members(client, self._group))
        told.add_done_callback(lambda told: told.cancelled() or told.exception())  # maybe when nobody listens any more
        await asyncio.wait([told], timeout=ANSWER_S)
        if not told.done():
            self._admin.replace(client)
            raise no_answer()
        description: ConsumerGroupDescription = told.result()
        return description
