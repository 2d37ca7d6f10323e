"""Confluent's parallel-consumer with Vert.x: order by key, 256 in flight; one Java file, compiled by Maven."""

import shutil
from pathlib import Path

from tests.benchmarks.peers.peer import Peer, Target, kept, must_run
from tests.brokers.java import find_java
from tests.brokers.tiers import CannotRun, Progress

SOURCES = Path(__file__).parent / "parallel_consumer"


def built(progress: Progress) -> Peer:
    """The peer; raise CannotRun where it cannot be built."""
    java, maven = find_java(), shutil.which("mvn")
    if not maven:
        raise CannotRun("there is no Maven")

    def build(folder: Path) -> None:
        goals = ["compile", "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}/lib"]
        must_run([maven, "--quiet", "--batch-mode", "--strict-checksums", f"-Dpeer.folder={folder}", *goals], SOURCES)

    folder = kept(SOURCES, build, progress)

    def command(target: Target) -> list[str]:
        machine = [str(java), "-Xmx512m", "-cp", f"{folder}/classes:{folder}/lib/*"]
        return [*machine, "Peer", target.servers, target.topic, target.group, str(target.port)]

    return Peer("parallel-consumer", command)
