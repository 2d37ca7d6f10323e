"""Calls that block, made for the event loop: each on a thread of its own, and none waited for without end.

Shape   await blocking(call, timeout_s) -> what it returns
Why     management calls are few, so a thread each is cheap; and a call of the Kafka client that does not heed its own
        time-out, as after a broker's restart, is left behind with its thread, which holds up no exit
Errors  what the call raises; TimeoutError
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


async def blocking(call: Callable[[], Result], timeout_s: float) -> Result:
    """Run it, and wait for it so long.

    Raises:
        TimeoutError: it goes on by itself.
    """
    done: Future[Result] = Future()
    done.set_running_or_notify_cancel()  # whoever waits may go, the call goes on

    def run() -> None:
        try:
            done.set_result(call())
        except Exception as error:  # noqa: BLE001  it is told to who waits
            done.set_exception(error)

    threading.Thread(target=run, name="blocking-call", daemon=True).start()
    async with asyncio.timeout(timeout_s):
        return await asyncio.wrap_future(done)
