"""References and overrides: what the environment adds to the file, and what leads nowhere."""

from pathlib import Path

import pytest

from adapters.settings_faults import SettingsError
from adapters.settings_file import load_settings
from tests.unit.adapters.configurations import HTTP, QUEUE, faults_of, load, tree


def test_a_reference_is_replaced_anywhere_inside_a_value(tmp_path: Path) -> None:
    config = tree(HTTP | {"endpoint": "https://${HOST}/${PATH_}?a=${HOST}"}, stop_grace_s="${GRACE}")
    settings = load(tmp_path, config, {"HOST": "example.com", "PATH_": "events", "GRACE": "7"})
    assert settings.subscriptions[0].endpoint == "https://example.com/events?a=example.com"
    assert settings.stop_grace_s == 7.0


def test_a_file_reference_is_its_content_without_the_line_end(tmp_path: Path) -> None:
    for content in ("text", "text\n", "text\r\n"):
        (tmp_path / "prefix").write_text(content)
        config = tree(topics={"prefix": f"${{file:{tmp_path / 'prefix'}}}"})
        assert load(tmp_path, config).topics.prefix == "text"


def test_a_replaced_value_is_not_searched_again(tmp_path: Path) -> None:
    config = tree()
    config["kafka"]["client.id"] = "${A}"
    assert load(tmp_path, config, {"A": "${B}", "B": "no"}).kafka["client.id"] == "${B}"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("${NOWHERE}", "is not set in the environment"),
        ("${}", "is not set in the environment"),
        ("${NAME:-default}", "is not set in the environment"),
        ("${file:/nowhere/secret}", "cannot be read: No such file or directory"),
        ("${file:/}", "cannot be read: Is a directory"),
        ("${file:a\0b}", "cannot be read: not UTF-8 text"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named_with_its_path(reference: str, reason: str, tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, tree(HTTP | {"signing_secret": reference}))
    shown = reference.replace("\0", "\\x00")
    assert fault == f"subscriptions[0].signing_secret: {shown}: {reason}"


def test_a_file_that_is_not_text_is_no_value(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    (fault,) = faults_of(tmp_path, tree(HTTP | {"signing_secret": f"${{file:{tmp_path / 'secret'}}}"}))
    assert fault.endswith("cannot be read: not UTF-8 text")


def test_an_override_wins_over_the_file(tmp_path: Path) -> None:
    environ = {
        "BATCH_EVENTS__TOPICS__PARTITIONS": "12",
        "BATCH_EVENTS__SUBSCRIPTIONS__0__ENDPOINT": "https://other.example.com/",
        "BATCH_EVENTS__SUBSCRIPTIONS__0__EVENTS": "[JOB_FAILED]",
        "BATCH_EVENTS__HTTP__LISTEN": "0.0.0.0:9090",
        "BATCH_EVENTS__KAFKA__BOOTSTRAP_SERVERS": "other:9092",
        "BATCH_EVENTS__KAFKA__FETCH_MIN_BYTES": "5",
        "BATCH_EVENTS__QUEUES": "{partitions: 3}",
    }
    settings = load(tmp_path, tree(HTTP, topics={"partitions": 1}), environ)
    assert settings.topics.partitions == 12
    assert settings.subscriptions[0].endpoint == "https://other.example.com/"
    assert settings.subscriptions[0].events == frozenset({"JOB_FAILED"})
    assert settings.http.listen == "0.0.0.0:9090"
    assert settings.queues.partitions == 3
    assert settings.kafka == {"bootstrap.servers": "other:9092", "fetch.min.bytes": "5"}


def test_an_override_puts_a_wrong_value_of_the_file_right(tmp_path: Path) -> None:
    config = tree(topics={"partitions": "${NOWHERE}"}, http={"listen": "nonsense"})
    environ = {"BATCH_EVENTS__TOPICS__PARTITIONS": "2", "BATCH_EVENTS__HTTP__LISTEN": "localhost:1"}
    assert load(tmp_path, config, environ).topics.partitions == 2


def test_an_empty_override_takes_away_what_the_file_says(tmp_path: Path) -> None:
    config = tree(topics={"partitions": 2}, schema_registry={"url": "http://registry:8081"})
    environ = {"BATCH_EVENTS__TOPICS__PARTITIONS": "", "BATCH_EVENTS__SCHEMA_REGISTRY": ""}
    settings = load(tmp_path, config, environ)
    assert settings.topics.partitions == 6
    assert settings.schema_registry is None


def test_an_override_fills_a_section_that_is_empty_in_the_file(tmp_path: Path) -> None:
    settings = load(tmp_path, "kafka:\n", {"BATCH_EVENTS__KAFKA__BOOTSTRAP_SERVERS": "localhost:9092"})
    assert settings.kafka == {"bootstrap.servers": "localhost:9092"}


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        ("BATCH_EVENTS__SUBSCRIPTIONS__1__NAME", "there is no '1' in a list of 1"),
        ("BATCH_EVENTS__SUBSCRIPTIONS__-1__NAME", "there is no '-1' in a list of 1"),
        ("BATCH_EVENTS__SUBSCRIPTIONS__FIRST__NAME", "there is no 'first' in a list of 1"),
        ("BATCH_EVENTS__STOP_GRACE_S__X", "leads to no value of the configuration"),
        ("BATCH_EVENTS__STOP_GRACE_S__X__Y", "leads to no value of the configuration"),
        ("BATCH_EVENTS__", "leads to no value of the configuration"),
    ],
)
def test_an_override_that_leads_nowhere_is_named(variable: str, reason: str, tmp_path: Path) -> None:
    assert faults_of(tmp_path, tree(QUEUE, stop_grace_s=5), {variable: "1"}) == [f"{variable}: {reason}"]


def test_an_override_that_is_not_yaml_is_named(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, tree(), {"BATCH_EVENTS__TOPICS": "{partitions: [}"})
    assert fault.startswith("BATCH_EVENTS__TOPICS: is not YAML: line 1, column ")


def test_a_wrong_value_of_an_override_is_told_at_its_path(tmp_path: Path) -> None:
    environ = {"BATCH_EVENTS__TOPICS__PARTITIONS": "many", "BATCH_EVENTS__COLOUR": "red"}
    faults = faults_of(tmp_path, tree(), environ)
    assert faults[0] == "topics.partitions: 'many': must be a whole number"
    assert faults[1].startswith("colour: is not a key of the configuration")


def test_other_variables_are_left_alone(tmp_path: Path) -> None:
    environ = {"BATCH_EVENTS_CONFIG": "x", "BATCH_EVENTS_TOPICS": "1", "TOPICS__PARTITIONS": "1"}
    assert load(tmp_path, tree(), environ).topics.partitions == 6


def test_the_environment_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"BATCH_EVENTS__KAFKA__BOOTSTRAP_SERVERS": "localhost:9092", "BATCH_EVENTS__TOPICS__PARTITIONS": "2"}
    assert load_settings(None, environ).topics.partitions == 2


def test_the_file_is_the_one_named_then_that_of_the_environment_then_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("named", "environment", "batch-events.yaml"), 1):
        (tmp_path / name).write_text(f"kafka: {{bootstrap.servers: a}}\ntopics: {{partitions: {number}}}\n")
    environ = {"BATCH_EVENTS_CONFIG": "environment"}
    assert load_settings("named", environ).topics.partitions == 1
    assert load_settings(None, environ).topics.partitions == 2
    assert load_settings(None, {}).topics.partitions == 3


def test_a_missing_file_is_named_with_how_to_name_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path, environ, shown in (
        ("nowhere.yaml", {"BATCH_EVENTS__TOPICS__PARTITIONS": "2"}, "nowhere.yaml"),
        (None, {"BATCH_EVENTS_CONFIG": "there.yaml", "BATCH_EVENTS__TOPICS__PARTITIONS": "2"}, "there.yaml"),
        (None, {}, "batch-events.yaml"),
    ):
        with pytest.raises(SettingsError) as caught:
            load_settings(path, environ)
        assert caught.value.faults == [f"{shown}: no such file; name one with --config or BATCH_EVENTS_CONFIG"]
