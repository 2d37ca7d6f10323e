"""The forms that a start, an event name, an endpoint and a CMQ name may have."""

from pathlib import Path

import pytest

from pipeline.subscription import Start
from schemas.events import EVENT_NAMES
from tests.unit.adapters.configurations import HTTP, QUEUE, faults_of, load, tree

AT_MS = 1_767_323_045_000  # 2026-01-02T03:04:05Z
DAY_MS = 1_767_312_000_000  # 2026-01-02T00:00:00Z

STARTS = [
    ("earliest", Start("earliest")),
    ("latest", Start("latest")),
    ("2026-01-02T03:04:05Z", Start("time", AT_MS)),
    ("2026-01-02 03:04:05", Start("time", AT_MS)),
    ("2026-01-02T11:04:05+08:00", Start("time", AT_MS)),
    ("'2026-01-02T03:04:05Z'", Start("time", AT_MS)),
    ("'2026-01-02T11:04:05+08:00'", Start("time", AT_MS)),
    ("2026-01-02T03:04:05.250Z", Start("time", AT_MS + 250)),
    ("2026-01-02", Start("time", DAY_MS)),
    ("'2026-01-02'", Start("time", DAY_MS)),
    ("1970-01-01T00:00:00Z", Start("time", 0)),
]


def subscription_text(**more: str) -> str:
    lines = [f"    {name}: {value}" for name, value in (QUEUE | more).items()]
    return "kafka: {bootstrap.servers: localhost:9092}\nsubscriptions:\n  -\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize(("written", "start"), STARTS)
def test_a_start_is_earliest_latest_or_a_time_as_text_or_as_yaml_writes_it(
    written: str, start: Start, tmp_path: Path
) -> None:
    (one,) = load(tmp_path, subscription_text(start=written)).subscriptions
    assert one.subscription().start == start


FORMS = "must be earliest, latest or a time such as 2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("soon", f"'soon': {FORMS}"),
        ("Latest", f"'Latest': {FORMS}"),
        ("'2026-13-01'", f"'2026-13-01': {FORMS}"),
        ("5", f"5: {FORMS}"),
        ("[earliest]", f"['earliest']: {FORMS}"),
        ("{at: earliest}", f"{{'at': 'earliest'}}: {FORMS}"),
        ("'0001-01-01T00:00:00+14:00'", "'0001-01-01T00:00:00+14:00': "),
        ("1969-12-31T23:59:59Z", "datetime.datetime(1969, 12, 31, 23, 59, 59, tzinfo=datetime.timezone.utc): lies"),
    ],
)
def test_a_start_of_another_form_is_refused(written: str, reason: str, tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, subscription_text(start=written))
    assert fault.startswith(f"subscriptions[0].start: {reason}")


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_an_event_is_named_in_either_spelling(name: str, tmp_path: Path) -> None:
    for spelling in (name, name.title().replace("_", "")):
        (one,) = load(tmp_path, tree(HTTP | {"events": [spelling]})).subscriptions
        assert one.events == frozenset({name})


def test_events_named_twice_count_once(tmp_path: Path) -> None:
    (one,) = load(tmp_path, tree(HTTP | {"events": ["JOB_FAILED", "JobFailed", "JOB_FAILED"]})).subscriptions
    assert one.events == frozenset({"JOB_FAILED"})


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        (["JOB_STARTING"], "events[0]: 'JOB_STARTING': is not an event name (such as JOB_FAILED)"),
        (["JOB_FAILED", 5], "events[1]: 5: must be text"),
        ("JOB_FAILED", "events: 'JOB_FAILED': must be a list"),
        ([], "events: []: is empty, so nothing would ever be delivered; leave it out for all events"),
    ],
)
def test_events_that_are_none_are_refused(events: object, fault: str, tmp_path: Path) -> None:
    for one in (QUEUE, HTTP):
        assert faults_of(tmp_path, tree(one | {"events": events})) == [f"subscriptions[0].{fault}"]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "HTTP://example.com:8080/a?b=c#d",
        "http://[2001:db8::1]:80/",
        "http://127.0.0.1:1/",
        "https://example.com/%E4%BA%8B%E4%BB%B6",
        "https://example.com/" + "x" * 480,
    ],
)
def test_an_endpoint_is_an_http_url(url: str, tmp_path: Path) -> None:
    assert load(tmp_path, tree(HTTP | {"endpoint": url})).subscriptions[0].endpoint == url


NO_URL = "must be an http:// or https:// URL with a host"
NOT_ASCII = "must be ASCII without blanks; write other characters percent-encoded"
NO_HOST = "must be a URL; its host or port is not one"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("example.com", NO_URL),
        ("ftp://example.com/", NO_URL),
        ("https://", NO_URL),
        ("https:///path", NO_URL),
        ("http://example.com:0/", NO_URL),
        ("", NO_URL),
        ("http://example.com:http/", NO_HOST),
        ("http://example.com:65536/", NO_HOST),
        ("http://[::1/", NO_HOST),
        ("http://example.com/a b", NOT_ASCII),
        ("http://example.com/\r\nX-Header: 1", NOT_ASCII),
        ("http://example.com/\x00", NOT_ASCII),
        ("http://例子.example.com/", NOT_ASCII),
        ("https://example.com/" + "x" * 481, "is 501 characters long, allowed are 500"),
    ],
)
def test_an_endpoint_that_is_no_http_url_is_refused(url: str, reason: str, tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, tree(HTTP | {"endpoint": url}))
    assert fault.startswith("subscriptions[0].endpoint: ")
    assert fault.endswith(f": {reason}")


@pytest.mark.parametrize("key", ["topic", "name", "endpoint"])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty"),
        ("9-lives", "must begin with a letter and hold only letters, digits, '-' and '_'"),
        ("a.b", "must begin with a letter and hold only letters, digits, '-' and '_'"),
        ("x" * 65, "is 65 characters long, allowed are 64"),
    ],
)
def test_a_name_that_cmq_would_refuse_is_refused(key: str, name: str, reason: str, tmp_path: Path) -> None:
    assert faults_of(tmp_path, tree(QUEUE | {key: name})) == [f"subscriptions[0].{key}: {name!r}: {reason}"]
