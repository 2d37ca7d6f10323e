"""The container tier: one Kafka broker in a container, on a port of 127.0.0.1."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from tests.brokers.broker_config import CLUSTER_ID, HEAP, JVM, broker_config
from tests.brokers.broker_process import LOG_TAIL_LINES
from tests.brokers.ports import free_port
from tests.brokers.ready import BrokerStartError, wait_until_answering

CONTROLLER_PORT = 9093
NODE_ID = 1


@contextmanager
def container_broker(image: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """Give a broker's bootstrap servers and the tail of its log; it is removed, with its data, at the end."""
    testcontainers_config.ryuk_disabled = True  # a second image, which no registry may give; we end our own
    port = free_port()
    container = DockerContainer(image).with_envs(**_variables(port))
    # The same number inside and outside: the advertised address must lead the broker to itself as well.
    # with_bind_ports would publish it on every address; (address, port) is docker-py's way, untyped here.
    container.ports[f"{port}/tcp"] = cast("int", ("127.0.0.1", port))
    with container:
        bootstrap_servers = f"127.0.0.1:{port}"
        wait_until_answering(bootstrap_servers, {NODE_ID}, lambda: _check_running(container))
        yield bootstrap_servers, lambda: _log_tail(container)


def _variables(port: int) -> dict[str, str]:
    """Give the environment that apache/kafka and our own image turn into server.properties."""
    config = {
        "process.roles": "broker,controller",
        "node.id": str(NODE_ID),
        "controller.quorum.voters": f"{NODE_ID}@localhost:{CONTROLLER_PORT}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://localhost:{CONTROLLER_PORT}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": "/tmp/kafka",  # noqa: S108 - inside the container
        **broker_config(brokers=1),
    }
    variables = {"KAFKA_" + name.upper().replace(".", "_"): value for name, value in config.items()}
    return variables | {"CLUSTER_ID": CLUSTER_ID, "KAFKA_HEAP_OPTS": HEAP, "KAFKA_JVM_PERFORMANCE_OPTS": JVM}


def _check_running(container: DockerContainer) -> None:
    container.reload()
    if container.status in {"exited", "dead"}:
        raise BrokerStartError(f"the broker's container ended\n{_log_tail(container)}")


def _log_tail(container: DockerContainer) -> str:
    said = b"".join(container.get_logs()).decode(errors="replace")
    return "\n".join(said.splitlines()[-LOG_TAIL_LINES:])
