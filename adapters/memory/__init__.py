"""In-memory doubles of what the delivery asks of the outside, for tests of ours and of those who build on us.

Each keeps the port of its Kafka or HTTP counterpart (pipeline/ports.py, the delivery's Clock, the gateway's ports) and
is held to the same contract tests. Time moves when a test moves it, partitions come and go when a test says so.
"""

from adapters.memory.clock import ManualClock
from adapters.memory.endpoint import MemoryAttempt, MemoryEndpoint, in_turn
from adapters.memory.held_reader import MemoryHeldReader
from adapters.memory.log import Membership, MemoryLog
from adapters.memory.log_reader import MemoryLogReader
from adapters.memory.queue import QueueLimits
from adapters.memory.queues import MemoryQueues
from adapters.memory.source import MemorySource
from adapters.memory.topic import MemoryTopic
from adapters.memory.topics import MemoryTopics
from adapters.memory.transactions import Fate, MemoryTransactions, ProcessDiedError

__all__ = [
    "Fate",
    "ManualClock",
    "Membership",
    "MemoryAttempt",
    "MemoryEndpoint",
    "MemoryHeldReader",
    "MemoryLog",
    "MemoryLogReader",
    "MemoryQueues",
    "MemorySource",
    "MemoryTopic",
    "MemoryTopics",
    "MemoryTransactions",
    "ProcessDiedError",
    "QueueLimits",
    "in_turn",
]
