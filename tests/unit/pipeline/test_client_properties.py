"""Our list of librdkafka's properties, against the one that the library itself prints."""

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka import Consumer, Producer

from pipeline.client_properties import BY_KEY, CONSUMER_ONLY, OURS, PRODUCER_ONLY, PROMISED, why_not
from pipeline.cluster import Cluster

_ROW = re.compile(r"(?P<name>[a-z][a-z0-9._]+) +\| +(?P<whose>[CP*]) +\|.*?\*Type: (?P<kind>[a-z ]+)", re.DOTALL)


def library() -> Path:
    """The librdkafka inside the installed wheel."""
    package = Path(confluent_kafka.__file__).parent
    places = (package.with_name("confluent_kafka.libs"), package / ".dylibs")
    found = [file for place in places for file in place.glob("librdkafka[.-]*")]
    if not found:
        pytest.skip("no librdkafka beside the package: its table of properties is not compared with ours")
    return found[0]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of each property that a file can hold: C, P or *."""
    file = tmp_path_factory.mktemp("librdkafka") / "properties"
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    libc.fclose.argtypes = [ctypes.c_void_p]
    show = ctypes.CDLL(str(library())).rd_kafka_conf_properties_show
    show.argtypes = [ctypes.c_void_p]
    stream = libc.fopen(str(file).encode(), b"w")
    show(stream)
    libc.fclose(stream)
    return dict(_read(file.read_text()))


def _read(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        row = _ROW.match(line)
        if row is not None and row["kind"] != "see dedicated ":
            yield row["name"], row["whose"]


def test_a_consumers_properties_are_those_that_librdkafka_says(rows: dict[str, str]) -> None:
    assert {name for name, whose in rows.items() if whose == "C"} == CONSUMER_ONLY


def test_a_producers_properties_are_those_that_librdkafka_says(rows: dict[str, str]) -> None:
    assert {name for name, whose in rows.items() if whose == "P"} == PRODUCER_ONLY


def test_what_is_promised_is_a_property(rows: dict[str, str]) -> None:
    assert rows.keys() >= PROMISED.keys()
    assert rows.keys() >= {name for name in OURS if "." in name}


def test_our_clients_keep_the_promises_or_leave_them_at_the_default() -> None:
    cluster = Cluster({"bootstrap.servers": "a:9092"})
    ours = cluster.transactional_config("id-1") | cluster.consumer_config("g")
    assert {name: ours[name] for name in PROMISED if name in ours} == {
        name: promised.value for name, promised in PROMISED.items() if name in ours
    }
    at_default = PROMISED.keys() - ours.keys()
    assert at_default == {
        "request.required.acks",
        "auto.commit.enable",
        "offset.store.method",
        "delivery.report.only.error",
    }


def test_librdkafka_takes_what_our_clients_set() -> None:
    cluster = Cluster({})
    Producer(cluster.transactional_config("id-1")).close()
    Consumer(cluster.consumer_config("g")).close()


@pytest.mark.parametrize("partitioner", sorted(BY_KEY))
def test_a_partitioner_by_key_may_be_chosen(partitioner: str) -> None:
    assert why_not("partitioner", partitioner) is None
    Producer({"partitioner": partitioner}).close()


@pytest.mark.parametrize(("name", "value"), [("client.id", "x"), ("linger.ms", 5), ("acks", "ALL"), ("bogus", 1)])
def test_everything_else_is_the_operators(name: str, value: object) -> None:
    assert why_not(name, value) is None
