"""An entry of the registry becomes what would stand in the file, or is told why it cannot."""

from pathlib import Path

import pytest

from adapters.run_time_entries import EntryError, needed_by, settings_of, subscription_of
from pipeline.cmq_registry import Gone, SubscriptionEntry, encode
from pipeline.retry import NotifyStrategy
from pipeline.subscription import BodyEncoding, Protocol, Start
from schemas.cmq_push import ContentFormat
from tests.unit.adapters.configurations import QUEUE, load, tree

URL = "http://billing.example.com/push"


def entry(protocol: str = "http", endpoint: str = URL, **more: object) -> SubscriptionEntry:
    return SubscriptionEntry("job-message", "made", "id", protocol, endpoint, **more)  # type: ignore[arg-type]


def test_an_http_entry_has_what_cmq_says_and_what_the_configuration_says_of_all(tmp_path: Path) -> None:
    more = {"body_encoding": "plain", "concurrency": 3, "timeout_s": 2, "allow_private_addresses": True}
    settings = load(tmp_path, tree(subscribed=more))
    one = subscription_of(
        entry(notify_strategy="BACKOFF_RETRY", notify_content_format="SIMPLIFIED", filter_tags=("a",)), settings
    )
    assert (one.label, one.protocol, one.filter_tags, one.binding_keys) == ("job-message/made", "http", ("a",), ())
    http = one.http
    assert http is not None
    assert (http.endpoint, http.content_format, http.retry.strategy) == (
        URL,
        ContentFormat.SIMPLIFIED,
        NotifyStrategy.BACKOFF_RETRY,
    )
    assert (http.body_encoding, http.concurrency, http.timeout_s, http.allow_private_addresses) == (
        BodyEncoding.PLAIN,
        3,
        2.0,
        True,
    )


def test_a_queue_entry_may_say_json_as_clients_do(tmp_path: Path) -> None:
    one = subscription_of(entry("queue", "Ops", notify_content_format="JSON"), load(tmp_path, tree()))
    assert (one.protocol, one.queue_name, one.http) == (Protocol.QUEUE, "Ops", None)


@pytest.mark.parametrize(
    ("created_s", "start"), [(0, Start("latest")), (1_700_000_000, Start("time", 1_700_000_000_000))]
)
def test_where_the_group_has_no_offset_it_begins_when_it_was_made(created_s: int, start: Start, tmp_path: Path) -> None:
    assert subscription_of(entry(created_s=created_s), load(tmp_path, tree())).start == start


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (entry("smtp"), "protocol: must be queue or http"),
        (entry(endpoint="ftp://nowhere"), "endpoint: must be an http:// or https:// URL with a host"),
        (entry(endpoint="http://a b/"), "endpoint"),
        (entry("queue", "no queue"), "endpoint"),
        (entry(created_s=10**18), "created_s: is no time"),
        (entry(notify_strategy="NEVER"), "notify_strategy"),
        (SubscriptionEntry("9lives", "made", "id", "queue", "ops"), "topic"),
    ],
)
def test_what_no_subscription_can_be_made_of_is_told_without_its_value(
    broken: SubscriptionEntry, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(EntryError) as caught:
        subscription_of(broken, load(tmp_path, tree()))
    assert reason in str(caught.value)
    assert broken.endpoint not in str(caught.value)


def test_its_topics_are_those_that_the_file_would_ask_for_but_the_event_topic(tmp_path: Path) -> None:
    settings = load(tmp_path, tree(QUEUE))
    http = needed_by(settings_of(entry(), settings), settings, 12)
    assert {spec.name: spec.partitions for spec in http} == {
        "cmq.job-message.made.held": 12,
        "cmq.job-message.made.dead-letter": 12,
    }
    queue = needed_by(settings_of(entry("queue", "Ops"), settings), settings, 12)
    assert {spec.name: spec.partitions for spec in queue} == {
        "cmq.queue.ops": 1,
        "cmq.job-message.made.dead-letter": 12,
    }


def test_a_subscription_and_what_follows_it_have_one_key() -> None:
    made, _ = encode(SubscriptionEntry("Topic", "Name", "id", "queue", "ops"))
    gone, _ = encode(Gone("subscription", "Topic/Name", 0))
    assert made == gone == b"subscription:topic/name"
