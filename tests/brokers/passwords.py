"""Brokers that ask for a user and a password: SASL PLAIN without TLS, on the listener that clients use anyway.

Shape   asking_for_passwords({user: password}) -> config for the brokers; with_password(user, password) -> what a client
        needs. Brokers talk to each other as BROKER
"""

from collections.abc import Mapping

BROKER = "broker", "broker-of-tests"
LOGIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"


def asking_for_passwords(users: Mapping[str, str]) -> dict[str, str]:
    """Give the settings of a cluster whose PLAINTEXT listener takes these users and BROKER."""
    user, password = BROKER
    known = " ".join(f'user_{name}="{secret}"' for name, secret in {user: password, **users}.items())
    return {
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.plaintext.plain.sasl.jaas.config": (
            f'{LOGIN_MODULE} required username="{user}" password="{password}" {known};'
        ),
    }


def with_password(user: str, password: str) -> dict[str, str]:
    """Give what a client needs."""
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": user,
        "sasl.password": password,
    }
