"""A file that is not what it should be: one line that says where, and never another exception."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.settings_faults import SettingsError
from adapters.settings_yaml import read_tree, read_value
from tests.unit.adapters.configurations import faults_of, load

MINIMAL = "kafka: {bootstrap.servers: localhost:9092}\n"

NOT_YAML = [
    ("a: b: c", "line 1, column 5: mapping values are not allowed here"),
    ("a: 1\nb: 'x", "line 2, column 6: found unexpected end of stream"),
    ("\ta: 1", "line 1, column 1: found character '\\t' that cannot start any token"),
    ("a: *b", "line 1, column 4: found undefined alias ***"),
    ("a: !b c", "line 1, column 4: could not determine a constructor for the tag ***"),
    ("a: !!python/object/apply:os.getcwd []", "line 1, column 4: could not determine a constructor for the tag ***"),
    ("a: 1\n---\na: 2", "line 2, column 1: but found another document"),
    ("? [a]\n: b", "line 1, column 3: found unhashable key"),
    ("start: 2026-02-30", "line 1, column 8: a value that does not exist in its form"),
    ("start: 2026-01-01 00:00:00 +99:99", "line 1, column 8: a value that does not exist in its form"),
    ("a: !!int x", "line 1, column 4: a value that does not exist in its form"),
    ("a: " + "9" * 5000, "line 1, column 4: a value that does not exist in its form"),
    ("a: \x07", "special characters are not allowed"),
]


@pytest.mark.parametrize(("text", "reason"), NOT_YAML, ids=[text[:20] for text, _ in NOT_YAML])
def test_what_is_not_yaml_is_told_with_line_and_column(text: str, reason: str, tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, text)
    assert fault.startswith(f"{tmp_path / 'batch-events.yaml'}: not YAML: {reason}")


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "text\n", "5\n", "null\n"])
def test_a_file_that_is_no_mapping_is_told(text: str, tmp_path: Path) -> None:
    assert faults_of(tmp_path, text) == [f"{tmp_path / 'batch-events.yaml'}: must be a mapping at its top"]


@pytest.mark.parametrize("text", ["a: &x [*x]\n", "a: &x {b: *x}\n", "a: " + "[" * 3000])
def test_a_file_without_an_end_is_told(text: str, tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, text)
    assert fault.endswith(": nested too deep, or an alias that leads to itself")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "batch-events.yaml").write_bytes(b"a: \xff\n")
    for file, reason in ((tmp_path, "cannot be read: Is a directory"), (tmp_path / "batch-events.yaml", "not YAML: ")):
        with pytest.raises(SettingsError, match=reason):
            read_tree(file)


DUPLICATES = """\
kafka:
  bootstrap.servers: localhost:9092
  client.id: a
  client.id: b
topics: {partitions: 1, partitions: 2}
subscriptions:
  - {topic: job-message, name: a, name: b, protocol: queue, endpoint: ops}
topics: {partitions: 3}
"""


def test_a_key_that_is_there_twice_is_a_fault_with_path_and_line(tmp_path: Path) -> None:
    assert faults_of(tmp_path, DUPLICATES) == [
        "kafka.client.id: is there twice, again in line 4",
        "topics.partitions: is there twice, again in line 5",
        "subscriptions[0].name: is there twice, again in line 7",
    ]


def test_one_line_tells_of_a_section_that_is_there_twice(tmp_path: Path) -> None:
    text = MINIMAL + "http: {listen: a:1}\nhttp: {listen: a:2}\n"
    assert faults_of(tmp_path, text) == ["http: is there twice, again in line 3"]


def test_what_a_mapping_merges_from_another_is_not_there_twice(tmp_path: Path) -> None:
    text = MINIMAL + (
        "subscriptions:\n"
        "  - &first {topic: job-message, name: a, protocol: queue, endpoint: ops}\n"
        "  - {<<: *first, name: b}\n"
    )
    assert [one.name for one in load(tmp_path, text).subscriptions] == ["a", "b"]


def test_keys_are_text_whatever_yaml_makes_of_them(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, MINIMAL + "5: a\nyes: b\n~: c\n2026-01-01: d\n")
    assert [fault.partition(":")[0] for fault in faults] == ["5", "True", "None", "2026-01-01"]


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_a_value_or_one_named_error(text: str) -> None:
    try:
        read_value(text)
    except ValueError as error:
        reason = str(error)
    else:
        return
    assert reason.startswith("is not YAML: ")
