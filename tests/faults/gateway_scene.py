"""One case's world: replicas of the gateway, some queues, and clients that use them all the time.

Shape   GatewayScene as a context: start(), kill(…), freeze(…), thaw(…), stop(…); load is the clients; finish() lets
        everything be received to the end, by replicas that know it from the journal alone, and judges
Clients go to any replica that was started and neither killed nor stopped, also to one that stands still
"""

import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import yaml

from tests.brokers.native import NativeCluster
from tests.harness.cmq_load import Load
from tests.harness.cmq_oracle import Verdict, judge
from tests.harness.command import Running

SECRET_ID = "AKIDfaults"  # noqa: S105  of nobody
SECRET = "a secret of the fault suite"  # noqa: S105  of nobody
QUEUES = 6
BACK_S = 12.0
"""So long after a kill at most, a queue is served again."""

_PORT = re.compile(r" port=(\d+)")


class GatewayScene:
    """What a case plays in."""

    def __init__(self, folder: Path, cluster: NativeCluster, unique: Callable[[str], str]) -> None:
        self.cluster = cluster
        self.unique = unique
        self.addresses: list[str] = []
        self.replicas: list[Running] = []
        self.load = Load(SECRET_ID, SECRET, lambda: self.addresses)
        self._folder = folder
        self._started: list[Running] = []
        self._at: dict[Running, str] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        config = {
            "kafka": {"bootstrap.servers": self.cluster.bootstrap_servers},
            "topics": {"replication_factor": 1, "partitions": 2},
            "http": {"listen": "127.0.0.1:0"},
            "gateway": {"listen": "127.0.0.1:0", "keys": {SECRET_ID: "${CMQ_SECRET}"}},
        }
        self._file = self._folder / "batch-events.yaml"
        self._file.write_text(yaml.safe_dump(config))
        self._stack.enter_context(self.load)
        return self

    def __exit__(self, *args: object) -> None:
        for one in self._started:
            if one.process.poll() is None:
                one.process.send_signal(signal.SIGCONT)
        self._stack.__exit__(None, None, None)
        for number, one in enumerate(self._started, 1):
            (self._folder / f"replica-{number}.log").write_text("\n".join(one.lines))

    # Doing

    def begin(self, replicas: int = 3, queues: int = QUEUES) -> None:
        """Start replicas, make queues, and load them."""
        self.start(replicas)
        for number in range(queues):
            self.load.create(self.unique(f"q{number}"))
        self.flow(2)

    def start(self, count: int = 1) -> list[Running]:
        """Start replicas; they are taken down with the scene."""
        started = [Running("gateway", "--config", str(self._file), env={"CMQ_SECRET": SECRET}) for _ in range(count)]
        for one in started:
            self._stack.enter_context(one)
            self._started.append(one)
        for one in started:
            found = _PORT.search(one.wait_for_line("started", "health_port"))
            assert found is not None
            self._at[one] = f"127.0.0.1:{found[1]}"
            self.replicas.append(one)
        self._tell()
        return started

    def address(self, replica: Running) -> str:
        """Where clients find it."""
        return self._at[replica]

    def kill(self, *replicas: Running) -> float:
        """SIGKILL; when that was, in Unix seconds."""
        for one in replicas:
            one.process.kill()
        at_s = time.time()
        for one in replicas:
            one.process.wait()
            self.replicas.remove(one)
        self._tell()
        return at_s

    def stop(self, replica: Running) -> None:
        """SIGTERM, and an orderly end."""
        replica.process.terminate()
        self.replicas.remove(replica)
        self._tell()
        assert replica.process.wait(60) == 0, "\n".join(replica.lines[-40:])

    @staticmethod
    def freeze(replica: Running) -> None:
        """SIGSTOP."""
        replica.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, replica.process.pid, os.WSTOPPED | os.WNOWAIT)

    @staticmethod
    def thaw(replica: Running) -> None:
        """SIGCONT."""
        replica.process.send_signal(signal.SIGCONT)

    @staticmethod
    def flow(seconds: float) -> None:
        """Let the clients work for a while."""
        time.sleep(seconds)

    def until_served(self, since_s: float) -> float:
        """Wait until every queue has been served again since then; how long the longest had to wait."""
        queues = self.load.successes
        while not all(times and times[-1] > since_s + 0.5 for times in list(queues.values())):
            assert time.time() < since_s + 60, self.progress()
            time.sleep(0.05)
        gap_s, queue = self.load.longest_gap_s(since_s - 1.0, time.time())
        print(f"longest time without a success: {gap_s:.1f} s, of {queue}")  # noqa: T201  the case's figure
        return gap_s

    def progress(self) -> str:
        """For a failure's text."""
        now_s = time.time()
        ago = {queue: round(now_s - times[-1], 1) if times else None for queue, times in self.load.successes.items()}
        tails = ["\n".join(one.lines[-30:]) for one in self.replicas]
        return f"last successes (s ago): {ago}\n" + "\n---\n".join(tails)

    def finish(self) -> Verdict:
        """Have everything received to its end, and judge; then the replicas are made anew, and nothing comes back."""
        try:
            self.load.drain()
        except TimeoutError as error:
            raise AssertionError(self.progress()) from error
        for one in list(self.replicas):
            self.stop(one)
        self.start(2)
        self.load.look_again()
        for one in list(self.replicas):
            self.stop(one)
        return self.verdict()

    def verdict(self) -> Verdict:
        """Judge what was seen."""
        books, verdict = self.load.books, judge(self.load.books)
        print(  # noqa: T201  the case's counts
            f"sent {len(books.sent)}, received {len(books.received)}, deleted {len(books.deleted)}, "
            f"again {verdict.again}"
        )
        assert not self.load.strange, self.load.strange[:5]
        return verdict

    def _tell(self) -> None:
        self.addresses = [self._at[one] for one in self.replicas]
