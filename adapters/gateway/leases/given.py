"""What was taken for one receive, and how to give it back.

Shape   Given: the messages, their leases by partition, and the future of the entry that says so
"""

import asyncio

import msgspec

from adapters.gateway.ports import Message
from adapters.gateway.slot_ports import Body


class LeasedBodies(msgspec.Struct, frozen=True):
    """What one lease number is of."""

    partition: int
    number: int
    bodies: list[Body]


class Given(msgspec.Struct, frozen=True):
    """An answer that may be given once its entry is durable."""

    messages: list[Message]
    leases: list[LeasedBodies]
    durable: asyncio.Future[None]
