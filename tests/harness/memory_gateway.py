"""A gateway over the memory doubles, served on a loopback port by a thread of its own.

Shape   with memory_gateway(KeySpec(…), …) as endpoint: `http://127.0.0.1:PORT`
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

import uvloop

from adapters.event_loop import LoopClock
from adapters.gateway.acting.action import Backend
from adapters.gateway.actions import ACTIONS
from adapters.gateway.front.front import Front
from adapters.gateway.front.hosts import Hosts
from adapters.gateway.front.keys import Keys, KeySpec
from adapters.gateway.front.server import GatewayServer
from adapters.memory import MemoryQueues, MemoryTopics

LISTEN = "127.0.0.1:0"
LIMIT_S = 10.0


@contextmanager
def memory_gateway(*keys: KeySpec) -> Iterator[str]:
    """Serve while the block runs."""
    told: SimpleQueue[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = SimpleQueue()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        clock = LoopClock(loop)
        queues = MemoryQueues(clock)
        backend = Backend(queues, MemoryTopics(clock, queues))
        front = Front(Keys(keys, clock.monotonic_s), Hosts(LISTEN), ACTIONS, backend)
        server = GatewayServer(front, LISTEN)
        await server.start()
        enough = asyncio.Event()
        told.put((server.port, loop, enough))
        await enough.wait()
        assert await server.close(LIMIT_S)

    thread = threading.Thread(target=lambda: uvloop.run(serve()), name="memory-gateway")
    thread.start()
    port, loop, enough = told.get(timeout=LIMIT_S)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(enough.set)
        thread.join(2 * LIMIT_S)
    assert not thread.is_alive()
