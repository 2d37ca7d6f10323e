"""Brokers with a second listener: it asks for a user and a password, and for rights (ACLs). The first asks for nothing.

Shape   guarded_cluster(…) -> GuardedCluster: .guarded_servers and as_user() for who is to be kept in bounds; tests look
        on through the first listener, where everybody is a super user
"""

from collections.abc import Mapping

from tests.brokers.broker_config import QUICK_FAILOVER
from tests.brokers.broker_process import BrokerProcess
from tests.brokers.native import NativeCluster
from tests.brokers.passwords import LOGIN_MODULE, with_password
from tests.brokers.ports import free_port

USER, PASSWORD = "batch-events", "the-password-of-tests"
PRINCIPAL = f"User:{USER}"

ASKING = {
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,GUARDED:SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN",
    "listener.name.guarded.plain.sasl.jaas.config": f'{LOGIN_MODULE} required user_{USER}="{PASSWORD}";',
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
}


class GuardedCluster(NativeCluster):
    """As NativeCluster, with a listener GUARDED on a port of its own for each broker."""

    def __init__(
        self, brokers: int = 1, config: Mapping[str, str] | None = None, client: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(brokers, {**QUICK_FAILOVER, **ASKING, **(config or {})}, client)
        self._ports = {node_id: free_port() for node_id in range(1, brokers + 1)}

    @property
    def guarded_servers(self) -> str:
        """Give the address of every broker's second listener."""
        return ",".join(f"127.0.0.1:{port}" for port in self._ports.values())

    def as_user(self, password: str = PASSWORD) -> dict[str, str]:
        """Give what a client needs there; the password, or what stands for it in a configuration."""
        return {"bootstrap.servers": self.guarded_servers, **with_password(USER, password)}

    def _config_of(self, broker: BrokerProcess, voters: str, controllers: Mapping[int, int]) -> dict[str, str]:
        config = super()._config_of(broker, voters, controllers)
        listeners = f"{config['listeners']},GUARDED://127.0.0.1:{self._ports[broker.node_id]}"
        return {**config, "listeners": listeners}


def guarded_cluster(
    brokers: int = 1, config: Mapping[str, str] | None = None, client: Mapping[str, str] | None = None
) -> GuardedCluster:
    """Give a cluster that is not started."""
    return GuardedCluster(brokers, config, client)
