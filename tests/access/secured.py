"""A broker that is reached over TLS alone: four listeners, each of which asks for something else.

Shape   SecuredCluster(authority, issuer): .servers("tls" | "mutual" | "scram" | "oauth"); the tests' own listener, for
        looking on, asks for nothing
Renewed the certificate that listener LATE shows is a file of its own: replace it, and restart the broker
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they forgot __all__
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.access.issuer import AUDIENCE, Issuer
from tests.brokers.broker_process import BrokerProcess
from tests.brokers.native import NativeCluster
from tests.brokers.ports import free_ports
from tests.unit.callback.certificates import Authority

HOST = "127.0.0.1"
LISTENERS = {"tls": "SSL", "mutual": "SSL", "late": "SSL", "scram": "SASL_SSL", "oauth": "SASL_SSL"}
SECURITY = "org.apache.kafka.common.security"
ALLOWED_URLS = "org.apache.kafka.sasl.oauthbearer.allowed.urls"


class SecuredCluster(NativeCluster):
    """One broker."""

    def __init__(self, authority: Authority, issuer: Issuer) -> None:
        self._ports = dict(zip(LISTENERS, free_ports(len(LISTENERS)), strict=True))
        self.late_keystore = authority.folder / "late.pem"
        shutil.copy(authority.server_file(HOST, expired=True), self.late_keystore)
        protocols = ",".join(f"{name.upper()}:{protocol}" for name, protocol in LISTENERS.items())
        config = {
            "listener.security.protocol.map": f"CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,{protocols}",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(authority.server_file(HOST)),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": authority.file,
            "listener.name.late.ssl.keystore.type": "PEM",
            "listener.name.late.ssl.keystore.location": str(self.late_keystore),
            "listener.name.mutual.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512,OAUTHBEARER",
            "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.scram.scram-sha-512.sasl.jaas.config": f"{SECURITY}.scram.ScramLoginModule required;",
            "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
            "listener.name.oauth.oauthbearer.sasl.jaas.config": (
                f"{SECURITY}.oauthbearer.OAuthBearerLoginModule required;"
            ),
            "listener.name.oauth.oauthbearer.sasl.server.callback.handler.class": (
                f"{SECURITY}.oauthbearer.OAuthBearerValidatorCallbackHandler"
            ),
            "sasl.oauthbearer.jwks.endpoint.url": issuer.keys_url,
            "sasl.oauthbearer.expected.audience": AUDIENCE,
        }
        super().__init__(1, config)
        self.jvm = (f"-D{ALLOWED_URLS}={issuer.keys_url}",)

    def servers(self, listener: str) -> str:
        """Where a listener is."""
        return f"{HOST}:{self._ports[listener]}"

    def set_password(self, user: str, password: str) -> None:
        """Of a user of the listener SCRAM."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(user, info, password.encode())
        for done in admin.alter_user_scram_credentials([change]).values():
            done.result(20)

    def renew(self, certificate: Path) -> None:
        """The listener LATE shows this one from now on."""
        shutil.copy(certificate, self.late_keystore)
        self.restart(1)

    def _config_of(self, broker: BrokerProcess, voters: str, controllers: Mapping[int, int]) -> dict[str, str]:
        config = super()._config_of(broker, voters, controllers)
        more = ",".join(f"{name.upper()}://{HOST}:{port}" for name, port in self._ports.items())
        return {**config, "listeners": f"{config['listeners']},{more}"}
