"""Benthos 4.60, the engine under Redpanda Connect, as a Go module: `group_by_value` on the key, 512 in flight.

It is not Redpanda Connect, whose licence is not an open one: the engine is, and it has the same processors and the same
HTTP output, but no Kafka input. That one is benthos/main.go, on franz-go, in the manner that keeps order: a batch of
a partition after the other. A stuck key so blocks its partition. Idle connections are raised from Go's 2.
"""

import shutil
from pathlib import Path

from tests.benchmarks.peers.peer import Peer, Target, kept, must_run
from tests.brokers.tiers import CannotRun, Progress

SOURCES = Path(__file__).parent / "benthos"


def built(progress: Progress) -> Peer:
    """The peer; raise CannotRun where it cannot be built."""
    go = shutil.which("go")
    if not go:
        raise CannotRun("there is no Go")

    def build(folder: Path) -> None:
        must_run([go, "build", "-buildvcs=false", "-o", folder / "peer", "."], SOURCES)

    binary = kept(SOURCES, build, progress) / "peer"

    def command(target: Target) -> list[str]:
        source = {"servers": target.servers, "topic": target.topic, "group": target.group}
        fields = {f"input.kafka_partitions.{name}": value for name, value in source.items()}
        fields["output.http_client.url"] = f"http://127.0.0.1:{target.port}/"
        settings = [f"--set={name}={value}" for name, value in fields.items()]
        return [str(binary), "run", *settings, str(SOURCES / "config.yaml")]

    return Peer("benthos", command)
