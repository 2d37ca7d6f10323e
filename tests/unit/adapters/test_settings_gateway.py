"""The gateway's part of the configuration: its keys by reference only, and what each may do."""

import traceback
from pathlib import Path
from typing import Any

import pytest

from adapters.gateway.front.keys import KeySpec
from adapters.gateway.leases.limits import Limits
from adapters.gateway.registry.registry_decisions import RegistryLimits
from adapters.gateway.replica import limits_of
from adapters.settings import GatewaySettings
from tests.unit.adapters.configurations import Tree, faults_of, load, tree

HIDDEN = "hunter2hunter2"
ENVIRON = {"KEY": HIDDEN}
AT = "gateway.keys.AKIDexample"
STANDS = "stands in the file; allowed: a reference, ${NAME} or ${file:/path}"


def gateway(key: object = "${KEY}", **more: object) -> Tree:
    return tree(gateway={"keys": {"AKIDexample": key}, **more})


def of(folder: Path, config: Tree) -> GatewaySettings:
    settings = load(folder, config, ENVIRON).gateway
    assert settings is not None
    return settings


def test_keys_alone_are_enough(tmp_path: Path) -> None:
    settings = of(tmp_path, gateway())
    assert (settings.listen, settings.hosts, settings.clock_tolerance_s) == ("127.0.0.1:8090", (), 900.0)
    assert settings.key_specs() == (KeySpec("AKIDexample", HIDDEN),)


def test_the_quotas_are_those_of_the_parts_that_keep_them(tmp_path: Path) -> None:
    quotas = of(tmp_path, gateway()).quotas
    assert RegistryLimits(quotas.queues, quotas.topics, quotas.subscriptions) == RegistryLimits()
    assert limits_of(quotas) == Limits()
    assert quotas.delayed == Limits().delayed_most


def test_all_that_may_be_put_off_is_known_by_name(tmp_path: Path) -> None:
    quotas = of(tmp_path, gateway(quotas={"in_flight": 5, "delayed": 1_000_000})).quotas
    assert limits_of(quotas) == Limits(in_flight=5, delayed=1_000_000, delayed_most=1_000_000)


def test_a_key_may_be_limited(tmp_path: Path) -> None:
    limits: dict[str, Any] = {"actions": ["Receive*"], "names": "ops-*", "rate": 50, "enabled": False}
    settings = of(tmp_path, gateway({"secret": "${KEY}"} | limits, hosts="cmq.example.com"))
    assert settings.key_specs() == (KeySpec("AKIDexample", HIDDEN, ("Receive*",), ("ops-*",), 50.0, enabled=False),)
    assert settings.hosts == ("cmq.example.com",)


@pytest.mark.parametrize(
    ("key", "at"),
    [
        (HIDDEN, AT),
        ({"secret": HIDDEN}, f"{AT}.secret"),
        ({"secret": f"x${{KEY}}{HIDDEN}"}, f"{AT}.secret"),
        ([HIDDEN], f"{AT}[0]"),
        (f"{HIDDEN}${{KEY}}", AT),
        ({"secrets": HIDDEN}, f"{AT}.secrets"),
    ],
)
def test_a_secret_that_stands_in_the_file_is_refused_and_masked(key: object, at: str, tmp_path: Path) -> None:
    faults = faults_of(tmp_path, gateway(key), ENVIRON)
    assert f"{at}: ***: {STANDS}" in faults
    assert HIDDEN not in "\n".join(faults)


@pytest.mark.parametrize("keys", [HIDDEN, [HIDDEN]])
def test_keys_that_are_no_mapping_are_not_shown(keys: object, tmp_path: Path) -> None:
    faults = faults_of(tmp_path, tree(gateway={"keys": keys}))
    assert faults
    assert HIDDEN not in "\n".join(faults)


FAULTS: list[tuple[Tree, str]] = [
    (tree(gateway={}), "gateway.keys: is missing"),
    (tree(gateway={"keys": {}}), "gateway.keys: ***: is empty, so nobody could call"),
    (tree(gateway={"keys": {"example": "${KEY}"}}), "gateway.keys.example: ***: must be AKID with letters and digits"),
    (gateway({"actions": ["*"]}), f"{AT}.secret: is missing"),
    (gateway({"secret": "${KEY}", "rate": 0}), f"{AT}.rate: 0: must be greater than 0"),
    (gateway({"secret": "${KEY}", "rate": True}), f"{AT}.rate: True: must be a number"),
    (gateway({"secret": "${KEY}", "names": ["a b"]}), f"{AT}.names[0]: 'a b': must be a name, * standing for"),
    (gateway({"secret": "${KEY}", "actions": [5]}), f"{AT}.actions[0]: 5: must be text"),
    (gateway({"secret": "${KEY}", "enabled": "perhaps"}), f"{AT}.enabled: 'perhaps': must be true or false"),
    (
        gateway({"secret": "${KEY}", "permit": []}),
        f"{AT}.permit: is not a key of the configuration; allowed: secret, actions, names, rate, enabled",
    ),
    (
        gateway(port=1),
        "gateway.port: is not a key of the configuration; allowed: keys, listen, internal, hosts,",
    ),
    (gateway(listen="8090"), "gateway.listen: '8090': must be HOST:PORT"),
    (gateway(hosts=["https://a"]), "gateway.hosts[0]: 'https://a': must be HOST or HOST:PORT without a scheme"),
    (gateway(internal="http://a"), "gateway.internal: 'http://a': must be HOST, HOST:PORT or :PORT, an IPv6 host in"),
    (gateway(internal="0.0.0.0:1"), "gateway.internal: '0.0.0.0:1': is no address that other replicas could call"),
    (gateway(quotas={"queues": 0}), "gateway.quotas.queues: 0: must be greater than or equal to 1"),
    (
        gateway(quotas={"bodies": 1}),
        "gateway.quotas.bodies: is not a key of the configuration; allowed: queues, topics",
    ),
    (gateway(clock_tolerance_s=0), "gateway.clock_tolerance_s: 0: must be greater than 0"),
    (gateway("${NONE}"), f"{AT}: ${{NONE}}: is not set in the environment"),
    (gateway("${EMPTY}"), f"{AT}.secret: ***: is empty"),
    (tree(gateway="127.0.0.1:8090"), "gateway: '127.0.0.1:8090': must be a mapping"),
]


@pytest.mark.parametrize(("config", "fault"), FAULTS, ids=[fault for _, fault in FAULTS])
def test_what_is_wrong_is_told_in_one_line(config: Tree, fault: str, tmp_path: Path) -> None:
    (told,) = faults_of(tmp_path, config, ENVIRON | {"EMPTY": ""})
    assert told.startswith(fault)


def test_a_secret_id_that_sounds_like_a_secret_makes_none_of_its_limits(tmp_path: Path) -> None:
    config = tree(gateway={"keys": {"AKIDsecret": {"secret": "${KEY}", "actions": ["SendMessage"]}}})
    assert of(tmp_path, config).keys["AKIDsecret"].actions == ("SendMessage",)


def test_a_key_may_come_from_the_environment_alone(tmp_path: Path) -> None:
    environ = {"BATCH_EVENTS__GATEWAY__KEYS__AKIDExample": "a: b", "BATCH_EVENTS__GATEWAY__LISTEN": "127.0.0.1:0"}
    settings = load(tmp_path, tree(), environ).gateway
    assert settings is not None
    assert settings.key_specs() == (KeySpec("AKIDExample", "a: b"),)
    assert settings.listen == "127.0.0.1:0"


def test_no_repr_and_no_traceback_shows_a_secret(tmp_path: Path) -> None:
    settings = load(tmp_path, gateway({"secret": "${KEY}"}), ENVIRON)
    assert settings.gateway is not None
    specs = settings.gateway.key_specs()
    for one in (settings, settings.gateway, settings.gateway.keys, specs, specs[0]):
        assert HIDDEN not in repr(one) + str(one)

    def fail(*_objects: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError) as caught:
        fail(settings, specs)
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert HIDDEN not in "".join(told.format())
