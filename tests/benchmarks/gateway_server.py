"""`batch-events gateway` on a broker, with one key and the queue `bench`, for the benchmarks.

Shape   gateway_exists(); with gateway(servers, folder) as server. The command needs only kafka, gateway.listen, keys.
        With a log it tells all there, and finds the queue as another process left it
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop

from tests.benchmarks.cmq_calls import CmqCalls
from tests.benchmarks.queue_server import QueueServer, wait_for_port
from tests.benchmarks.raw_http import connect
from tests.brokers.ports import free_ports
from tests.harness.command import COMMAND, environment

OURS = "gateway"
QUEUE = "bench"
SECRET_ID, SECRET_KEY = "AKIDbench", "a key of the benchmark"
VARIABLE = "BENCHMARK_KEY"


def gateway_exists() -> bool:
    """Whether there is such a command."""
    return subprocess.run([COMMAND, "gateway", "--help"], capture_output=True, check=False).returncode == 0


@contextmanager
def gateway(servers: str, folder: Path, log: Path | None = None) -> Iterator[QueueServer]:
    """One replica."""
    (port,) = free_ports(1)
    config = folder / "batch-events.yaml"
    said = {
        "kafka": {"bootstrap.servers": servers},
        "topics": {"replication_factor": 1},
        "http": {"listen": "127.0.0.1:0"},
        "gateway": {"listen": f"127.0.0.1:{port}", "keys": {SECRET_ID: f"${{{VARIABLE}}}"}},
    }
    config.write_text(json.dumps(said))
    level = "ERROR" if log is None else "DEBUG"
    command = [COMMAND, "gateway", "--log-level", level, "--config", str(config)]
    with ExitStack() as stack:
        told = None if log is None else stack.enter_context(log.open("wb"))
        process = stack.enter_context(subprocess.Popen(command, env=environment({VARIABLE: SECRET_KEY}), stderr=told))
        try:
            wait_for_port(port, process)
            calls = CmqCalls(f"127.0.0.1:{port}", QUEUE, SECRET_ID, SECRET_KEY)
            if log is None:
                uvloop.run(_create(port, calls))
            yield QueueServer(OURS, port, process.pid, calls)
        finally:
            process.terminate()


async def _create(port: int, calls: CmqCalls) -> None:
    connection = await connect(port)
    calls.done(await connection.call(calls.create()))
    connection.close()
