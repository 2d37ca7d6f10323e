"""Which events a subscription wants."""

from pipeline.subscription import Protocol, Subscription


def subscription(*events: str) -> Subscription:
    return Subscription("job-message", "billing", Protocol.HTTP, events=frozenset(events) if events else None)


def test_it_is_called_by_topic_and_name() -> None:
    assert subscription().label == "job-message/billing"


def test_without_a_filter_it_wants_every_event_also_one_of_an_unknown_name() -> None:
    assert subscription().wants("JOB_FAILED")
    assert subscription().wants("JOB_PAUSED")


def test_with_a_filter_it_wants_what_the_filter_names() -> None:
    filtered = subscription("JOB_FAILED", "JOB_SUCCEED")
    assert [filtered.wants(name) for name in ("JOB_FAILED", "JOB_SUCCEED", "JOB_RUNNING")] == [True, True, False]


def test_a_filter_of_nothing_lets_nothing_through() -> None:
    assert not Subscription("t", "s", Protocol.HTTP, events=frozenset()).wants("JOB_FAILED")
