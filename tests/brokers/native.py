"""The native tier: Apache Kafka as plain Java processes.

Shape   NativeCluster(brokers=3, config={…}) as a context, or start() and stop(). `client` is what a client needs beyond
        the address, where config asks for it (passwords.py)
Units   a broker is named by its node id, 1 to brokers, as Kafka's metadata names it
Errors  CannotRun: no Java, or no jars. BrokerStartError, with the tail of the log: it ended or did not answer
Bounds  every broker is a controller too, so of three any one may be killed and the quorum lives. The data
        are in a temporary folder and gone after stop()
"""

import atexit
import tempfile
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from tests.brokers.broker_config import broker_config
from tests.brokers.broker_process import BrokerProcess
from tests.brokers.jars import ensure_jars
from tests.brokers.java import find_java
from tests.brokers.ports import free_ports
from tests.brokers.ready import wait_until_answering


def native_can_run() -> None:
    """Return if there is a Java and the jars are there or can be fetched; raise CannotRun if not."""
    find_java()
    ensure_jars(lambda _: None)


class NativeCluster:
    """A KRaft cluster on 127.0.0.1 whose brokers can be killed, frozen and brought back."""

    jvm: tuple[str, ...] = ()
    """Further options for Java, of the next start."""

    def __init__(
        self, brokers: int = 1, config: Mapping[str, str] | None = None, client: Mapping[str, str] | None = None
    ) -> None:
        self._config = {**broker_config(brokers), **(config or {})}
        self._client = dict(client or {})
        self._count = brokers
        self._brokers: dict[int, BrokerProcess] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Give the address of every broker, also of one that is down."""
        return ",".join(f"127.0.0.1:{broker.port}" for broker in self._brokers.values())

    def start(self) -> None:
        """Format and start all brokers; return when all of them answer."""
        atexit.register(self.stop)
        self._folder = tempfile.TemporaryDirectory(prefix="batch-events-kafka-")
        self._lay_out(Path(self._folder.name))
        try:
            for broker in self._brokers.values():
                broker.start()
            for node_id in self._brokers:
                self._wait_for(node_id, self._brokers.keys())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Kill what runs and remove the data. May be called twice."""
        atexit.unregister(self.stop)
        for broker in self._brokers.values():
            broker.kill()
        if self._folder is not None:
            self._folder.cleanup()

    def kill(self, broker: int) -> None:
        """SIGKILL; the broker is gone when this returns, its data stay."""
        self._brokers[broker].kill()

    def restart(self, broker: int) -> None:
        """Bring a broker back on its data and port, ending it in order if it runs; return when it answers."""
        self._brokers[broker].end()
        self._brokers[broker].start()
        self._wait_for(broker, {broker})

    def pause(self, broker: int) -> None:
        """SIGSTOP: connections to the broker stay, nobody answers."""
        self._brokers[broker].pause()

    def resume(self, broker: int) -> None:
        """SIGCONT: a paused broker goes on."""
        self._brokers[broker].resume()

    def log_tail(self) -> str:
        """Give the last lines of each broker's log."""
        return "\n".join(f"broker {node_id}\n{one.log_tail()}" for node_id, one in self._brokers.items())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _lay_out(self, folder: Path) -> None:
        java, jars = find_java(), ensure_jars(lambda _: None)
        ports = free_ports(2 * self._count)
        controllers = {node_id: ports.pop() for node_id in range(1, self._count + 1)}
        voters = ",".join(f"{node_id}@127.0.0.1:{port}" for node_id, port in controllers.items())
        for node_id in controllers:
            self._brokers[node_id] = BrokerProcess(java, jars, folder / str(node_id), node_id, ports.pop(), self.jvm)
        with ThreadPoolExecutor(self._count) as pool:
            configs = [self._config_of(broker, voters, controllers) for broker in self._brokers.values()]
            list(pool.map(BrokerProcess.format, self._brokers.values(), configs))

    def _config_of(self, broker: BrokerProcess, voters: str, controllers: Mapping[int, int]) -> dict[str, str]:
        return {
            "process.roles": "broker,controller",
            "controller.quorum.voters": voters,
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{broker.port},CONTROLLER://127.0.0.1:{controllers[broker.node_id]}",
            **self._config,
        }

    def _wait_for(self, node_id: int, expected: AbstractSet[int]) -> None:
        """Wait until this broker itself answers (others may remember it) and knows the expected ones."""
        broker = self._brokers[node_id]
        wait_until_answering(f"127.0.0.1:{broker.port}", expected, broker.check_running, self._client)
