"""The peers that can run here."""

from collections.abc import Callable

from tests.benchmarks.peers import benthos, parallel_consumer
from tests.benchmarks.peers.peer import Peer
from tests.brokers.tiers import CannotRun, Progress

ALL: dict[str, Callable[[Progress], Peer]] = {
    "benthos": benthos.built,
    "parallel-consumer": parallel_consumer.built,
}


def available(progress: Progress) -> list[Peer]:
    """Build what is not built; say what is left out."""
    peers = []
    for name, built in ALL.items():
        try:
            peers.append(built(progress))
        except CannotRun as reason:
            progress(f"without the peer {name}: {reason}")
    return peers
