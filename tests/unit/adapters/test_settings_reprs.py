"""No settings object, at whatever depth, shows a secret in a traceback or a log."""

import base64
import traceback
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from pydantic import BaseModel

from adapters.settings import Settings
from pipeline.cluster import Cluster
from pipeline.producer import ProducerSettings
from pipeline.subscription import HttpPolicy
from tests.unit.adapters.configurations import HTTP, QUEUE, load, tree

SECRETS = {
    "SIGNING": "whsec_" + base64.b64encode(b"the first key of the endpoint").decode(),
    "ROTATED": "whsec_" + base64.b64encode(b"the second key of the endpoint").decode(),
    "BROKER": "hunter2-of-the-broker",
    "KEY": "hunter2-of-the-key",
    "REGISTRY": "hunter2-of-the-registry",
    "TOKEN": "token-in-the-url",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    endpoint = "https://billing.example.com/hook?token=${TOKEN}"
    config = tree(
        QUEUE,
        HTTP | {"endpoint": endpoint, "signing_secret": ["${SIGNING}", "${ROTATED}"]},
        schema_registry={"url": "http://registry:8081", "username": "u", "password": "${REGISTRY}"},
    )
    config["kafka"] |= {"sasl.password": "${BROKER}", "ssl.key.password": "${KEY}"}
    return load(tmp_path, config, SECRETS)


def within(value: object) -> Iterator[object]:
    """Every settings object inside one, itself included; a mapping of properties is none."""
    if isinstance(value, tuple | list):
        for one in value:
            yield from within(one)
    elif isinstance(value, BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from within(getattr(value, name))
    elif isinstance(value, msgspec.Struct):
        yield value
        for name in value.__struct_fields__:
            yield from within(getattr(value, name))


def all_of(settings: Settings) -> list[object]:
    policies = [one.subscription() for one in settings.subscriptions]
    made = [settings, policies, ProducerSettings(settings.kafka), Cluster(settings.kafka)]
    return [one for start in made for one in (*within(start), start)]


def assert_hidden(text: str) -> None:
    assert [name for name, secret in SECRETS.items() if secret in text or secret.removeprefix("whsec_") in text] == []


def test_the_secrets_are_there(settings: Settings) -> None:
    policy = settings.subscriptions[1].subscription().http
    assert policy is not None
    assert policy.signing_secrets == (SECRETS["SIGNING"], SECRETS["ROTATED"])
    assert SECRETS["TOKEN"] in policy.endpoint
    assert settings.kafka["sasl.password"] == SECRETS["BROKER"]


def test_none_is_shown_at_any_depth(settings: Settings) -> None:
    objects = all_of(settings)
    assert {type(one).__name__ for one in objects} >= {
        "Settings",
        "HttpSubscriptionSettings",
        "SchemaRegistrySettings",
        "HttpPolicy",
        "Subscription",
        "ProducerSettings",
    }
    for one in objects:
        for text in (repr(one), str(one), f"{one}", f"{[one]}"):
            assert_hidden(text)


def test_none_is_shown_by_a_traceback_that_tells_of_local_variables(settings: Settings) -> None:
    def fail(settings: Settings, objects: list[object]) -> None:
        raise RuntimeError(str(len(objects)) + settings.topics.prefix)

    with pytest.raises(RuntimeError) as caught:
        fail(settings, all_of(settings))
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = "".join(told.format())
    assert "settings = " in text
    assert_hidden(text)


def test_what_is_no_secret_is_shown(settings: Settings) -> None:
    policy = settings.subscriptions[1].subscription().http
    assert repr(policy).startswith("HttpPolicy(endpoint=***, content_format=")
    assert "timeout_s=15.0" in repr(policy)
    assert "signing_secrets=***" in repr(policy)
    assert repr(policy) != repr(HttpPolicy("http://x", timeout_s=3.0))
