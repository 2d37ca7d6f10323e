"""One Kafka broker as a plain Java process with a folder of its own.

Shape   BrokerProcess: format() once, then start(), kill(), pause(), resume(), end(), as often as wanted
Errors  BrokerStartError with the tail of the log
Bounds  does not know its cluster. 127.0.0.1 only
"""

import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.brokers.broker_config import CLUSTER_ID, HEAP, JVM
from tests.brokers.jars import HERE
from tests.brokers.ready import BrokerStartError

LOG_TAIL_LINES = 40
ORDERLY_STOP_TIMEOUT_S = 60.0


@dataclass
class BrokerProcess:
    """A broker's node id, port, and where its properties, data and log stand."""

    java: Path
    jars: Path
    folder: Path
    node_id: int
    port: int
    jvm: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        """Give the file that takes everything the broker says, over all its starts."""
        return self.folder / "broker.log"

    def format(self, config: dict[str, str]) -> None:
        """Write server.properties and format the storage. Takes about half a second."""
        self.folder.mkdir()
        config = {**config, "node.id": str(self.node_id), "log.dirs": str(self.folder / "data")}
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in config.items()))
        command = self._java("-XX:TieredStopAtLevel=1", main="kafka.tools.StorageTool")
        command += ["format", "--cluster-id", CLUSTER_ID, "--config", str(self._properties)]
        with self.log.open("ab") as log:
            if subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=False).returncode:
                raise BrokerStartError(f"cannot format the storage of broker {self.node_id}\n{self.log_tail()}")

    def start(self) -> None:
        """Start the process, in a session of its own: a terminal's interrupt is for the tests alone."""
        command = [*self._java(*HEAP.split(), *JVM.split(), *self.jvm, main="kafka.Kafka"), str(self._properties)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def check_running(self) -> None:
        """Raise BrokerStartError if the process has ended."""
        if self.process is None or self.process.poll() is not None:
            raise BrokerStartError(f"broker {self.node_id} is not running\n{self.log_tail()}")

    def kill(self) -> None:
        """SIGKILL, and gone when this returns. Nothing to do where it is gone already."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def end(self) -> None:
        """SIGTERM, and gone when this returns: the broker hands over what it leads first."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)  # a paused one would not hear the other
            self.process.terminate()
            self.process.wait(ORDERLY_STOP_TIMEOUT_S)

    def pause(self) -> None:
        """SIGSTOP: the connections stay, nobody answers. Every thread stands still when this returns."""
        os.waitid(os.P_PID, self._signal(signal.SIGSTOP), os.WSTOPPED)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def log_tail(self) -> str:
        """Give the last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _java(self, *options: str, main: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
        return [str(self.java), *options, logging, "-cp", f"{self.jars}/*", main]

    def _signal(self, number: signal.Signals) -> int:
        """Send it and give the process id."""
        self.check_running()
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.pid
