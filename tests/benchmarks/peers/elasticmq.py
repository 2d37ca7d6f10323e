"""ElasticMQ 1.7.1 from Maven Central: an SQS server that keeps its messages in memory; not a contender on Kafka.

Shape   with elasticmq(progress) as server: its port and pid, with the queue `bench`; else CannotRun
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.peers.peer import kept, must_run
from tests.benchmarks.queue_server import QueueServer, wait_for_port
from tests.benchmarks.sqs_calls import SqsCalls
from tests.brokers.java import find_java
from tests.brokers.ports import free_ports
from tests.brokers.tiers import CannotRun, Progress

SOURCES = Path(__file__).parent / "elasticmq"
QUEUE = "bench"
CONFIG = """
include classpath("application.conf")
node-address {{ protocol = http, host = "127.0.0.1", port = {port}, context-path = "" }}
rest-sqs {{ enabled = true, bind-port = {port}, bind-hostname = "127.0.0.1", sqs-limits = strict }}
rest-stats {{ enabled = false }}
queues {{ {queue} {{ defaultVisibilityTimeout = 30 seconds, delay = 0 seconds, receiveMessageWait = 0 seconds }} }}
"""


@contextmanager
def elasticmq(progress: Progress) -> Iterator[QueueServer]:
    """A server of its own."""
    java, jars = find_java(), _jars(progress)
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "elasticmq.conf"
        config.write_text(CONFIG.format(port=port, queue=QUEUE))
        machine = [str(java), "-Xmx1g", f"-Dconfig.file={config}", "-cp", f"{jars}/*"]
        with subprocess.Popen(
            [*machine, "org.elasticmq.server.Main"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                wait_for_port(port, process)
                yield QueueServer("ElasticMQ", port, process.pid, SqsCalls(port, QUEUE))
            finally:
                process.kill()


def _jars(progress: Progress) -> Path:
    maven = shutil.which("mvn")
    if not maven:
        raise CannotRun("there is no Maven")

    def build(folder: Path) -> None:
        goals = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}/lib"]
        must_run([maven, "--quiet", "--batch-mode", "--strict-checksums", f"-Dpeer.folder={folder}", *goals], SOURCES)

    return kept(SOURCES, build, progress) / "lib"
