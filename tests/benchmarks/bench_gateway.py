"""The CMQ gateway against ElasticMQ, which keeps its messages in memory, on the same raw client.

Messages go through send, receive and delete, singly and in batches (of 10 there, of 16 and 10 here); from a send to the
answer of a poll that waits, at 500 messages a second; 5,000 polls that nobody answers. The rows of latency and memory
read the other way round than the others: allowed over taken. The first rounds of each do not count: for so long the
compilers of the JVMs, the peer's and our broker's, take a tenth to a quarter of a core beside everything else.
"""

import tempfile
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from tests.benchmarks.gateway_server import OURS, gateway, gateway_exists
from tests.benchmarks.native_broker import broker
from tests.benchmarks.peers.elasticmq import elasticmq
from tests.benchmarks.queue_load import Rates, idle, latencies, through
from tests.benchmarks.queue_server import QueueServer
from tests.brokers.tiers import CannotRun

WARM_UP = 5
ROUNDS = 3
SINGLE, BATCHED = 6_000, 30_000
WANTED_SINGLE, WANTED_BATCHED = 2.0, 5.0
CALLS_PER_S, MESSAGES_PER_S = 5_000.0, 20_000.0
SENDS, PER_S = 10_000, 500.0
ALLOWED_MS = {50: 10.0, 99: 40.0}
POLLS, IDLE_S, ALLOWED_MIB, ALLOWED_CORES = 5_000, 10.0, 250.0, 0.05

Answer = TypeVar("Answer")


def run() -> list[tuple[str, float, float, float]]:
    """Calls and messages per second, the medians of three interleaved rounds; milliseconds; MiB."""
    with ExitStack() as stack:
        servers: list[QueueServer] = []
        if gateway_exists():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            servers.append(stack.enter_context(gateway(stack.enter_context(broker()), folder)))
        else:
            print("without ours: there is no command `batch-events gateway`")
        try:
            servers.append(stack.enter_context(elasticmq(print)))
        except CannotRun as reason:
            print(f"without the peer ElasticMQ: {reason}")
        single = _medians(servers, lambda server: through(server, 1, SINGLE))
        batched = _medians(servers, lambda server: through(server, min(10, server.calls.largest_batch), BATCHED))
        rows = _against("singly", single, WANTED_SINGLE) + _against("by 10", batched, WANTED_BATCHED)
        for server in servers:
            rows += _alone(server, single[server.name])
    return rows


def _medians(servers: list[QueueServer], load: Callable[[QueueServer], Coroutine[Any, Any, Rates]]) -> dict[str, Rates]:
    rounds: dict[str, list[Rates]] = {server.name: [] for server in servers}
    for _ in range(WARM_UP + ROUNDS):
        for server in servers:
            rounds[server.name].append(_played(load(server)))
    return {name: sorted(rates[WARM_UP:])[ROUNDS // 2] for name, rates in rounds.items()}


def _against(how: str, rates: dict[str, Rates], wanted: float) -> list[tuple[str, float, float, float]]:
    for name, (messages, calls) in rates.items():
        print(f"{name} {how}: {messages:,.0f} messages/s, {calls:,.0f} calls/s")
    if len(rates) < 2:
        return []
    ours, peer = rates.values()
    return [(f"gateway, messages/s {how}, over ElasticMQ", ours.messages_per_s, peer.messages_per_s, wanted)]


def _alone(server: QueueServer, single: Rates) -> list[tuple[str, float, float, float]]:
    """What only we have a wish for; of the peer, which takes 1,024 connections, it is printed as far as it goes."""
    taken = sorted(_played(latencies(server, SENDS, PER_S))[SENDS // 5 :])
    shares = {share: max(0.01, taken[len(taken) * share // 100]) for share in ALLOWED_MS}
    print(f"{server.name} to a waiting poll: p50 {shares[50]:.1f} ms, p99 {shares[99]:.1f} ms")
    if server.name != OURS:
        return []
    largest = server.calls.largest_batch
    batched = _played(through(server, largest, BATCHED))
    waiting = _played(idle(server, POLLS, IDLE_S))
    cores = max(0.0001, waiting.cores)
    print(f"{server.name} with {POLLS:,} idle polls: {waiting.resident_mib:.0f} MiB, {waiting.cores:.3f} cores")
    return [
        ("gateway, calls/s singly, over the wish", single.calls_per_s, CALLS_PER_S, 1.0),
        (f"gateway, messages/s by {largest}, over the wish", batched.messages_per_s, MESSAGES_PER_S, 1.0),
        *[(f"gateway, to a poll p{one}, allowed / taken, ms", ms, shares[one], 1.0) for one, ms in ALLOWED_MS.items()],
        ("gateway, 5,000 idle polls, allowed / taken, MiB", ALLOWED_MIB, waiting.resident_mib, 1.0),
        ("gateway, 5,000 idle polls, allowed / taken, mcore", 1000 * ALLOWED_CORES, 1000 * cores, 1.0),
    ]


def _played(work: Coroutine[Any, Any, Answer]) -> Answer:
    return uvloop.run(work)
