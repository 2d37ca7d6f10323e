"""With the rights of `batch-events acls` everything works; with one fewer it is named, and nothing is lost.

One cluster for all. The part concerned is started without one right, says which, is given it, and ends its work.
"""

import re
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, KafkaError

from adapters.access import Operation, Part, Right, rights_of, run_rights
from tests.access.place import QUEUE, SAMPLE, TOPIC, Place, names_it, settings_of, shown
from tests.brokers.guarded import PASSWORD
from tests.harness.command import Running, wait_until
from tests.harness.kafka import committed_count, produce
from tests.integration.setting import Setting

pytestmark = [pytest.mark.native_cluster, pytest.mark.timeout(120)]

OF_RUN = [(one.name, right) for one in SAMPLE.subscriptions for right in run_rights(one, SAMPLE)]


@pytest.fixture
def stage(place: Place, unique: Callable[[str], str]) -> tuple[Setting, Setting]:
    """Configurations of topics that nobody has created: a super user's, and the user's."""
    return place.stage(unique("job-message").lower())


def numbered(part: Part) -> list[object]:
    """Each right of a part, by its place in the list."""
    return [pytest.param(at, id=shown(right)) for at, right in enumerate(rights_of(part, SAMPLE))]


def without(place: Place, part: Part, at: int, setting: Setting) -> Right:
    """Give the user a part's rights but one."""
    rights = rights_of(part, settings_of(setting))
    place.rights.only(right for right in rights if right != rights[at])
    return rights[at]


def crashed(running: Running) -> bool:
    return any("CRITICAL" in line or "Traceback" in line for line in running.lines)


def test_everything_works_with_these_rights_alone(place: Place) -> None:
    """Publish, run with a held key and dead letters, list, redrive, and compare the topics."""
    parts = (Part.PUBLISH, Part.RUN, Part.TOPICS, Part.DEAD_LETTERS, Part.REDRIVE)
    place.rights.only(right for part in parts for right in rights_of(part, settings_of(place.ours)))
    topics = place.invoke("topics")
    assert (topics.status, "missing" in topics.stdout) == (0, False)
    place.next_fates.extend((503, 400))
    produce(place.servers, place.ours.event_topic, b"no event", b"job-bad")
    published = place.invoke("publish", "--notifications", place.ours.notifications(), stdin=place.lines())
    assert published.status == 0, published
    for name, letters in (("ops-queue", 1), ("billing", 2)):
        label = f"{TOPIC}/{name}"
        with place.run(name) as running:
            wait_until(lambda name=name: place.done(name), "everything", alive=[running])  # type: ignore[misc]
            listed = place.invoke("dead-letters", "list", label)
            assert listed.stdout.endswith(f"{letters} dead letters of {label}\n"), listed
            redriven = place.invoke("dead-letters", "redrive", label)
            assert redriven.stdout.endswith(f"{letters} dead letters of {label} sent again\n"), redriven
            again = place.ours.dead_letter_topic(name)  # what is beyond help is a dead letter once more
            wait_until(
                lambda again=again, letters=letters: committed_count(place.servers, again) == 2 * letters,  # type: ignore[misc]
                "the redriven ones",
                alive=[running],
            )
            assert running.terminate() == 0
            assert not [line for line in running.lines if "refuse" in line or "AUTHORIZATION" in line]
            assert not crashed(running)
    assert committed_count(place.servers, f"cmq.{TOPIC}.billing.held") > 0, "no key was held"


@pytest.mark.parametrize(("name", "right"), OF_RUN, ids=[f"{name}-{shown(right)}" for name, right in OF_RUN])
def test_run_names_the_right_that_it_lacks_and_goes_on_once_it_has_it(name: str, right: Right, place: Place) -> None:
    (one,) = (one for one in settings_of(place.ours).subscriptions if one.name == name)
    place.rights.only(other for other in run_rights(one, settings_of(place.ours)) if other != right)
    place.next_fates.clear()
    place.next_fates.extend((503, 400) if right.name.endswith(".held") else (400,))
    assert place.ours.publish(place.lines()).status == 0
    with place.run(name) as running:
        running.wait_for_line("AUTHORIZATION_FAILED", right.name, timeout_s=40)
        if stops(name, right):
            wait_until(lambda: running.probe("/ready")[0] == 503, "not to be ready", alive=[running])
        place.rights.give([right])
        wait_until(lambda: place.done(name), "everything", alive=[running], every_s=0.2)
        wait_until(lambda: running.probe("/ready")[0] == 200, "to be ready", alive=[running])
        assert not crashed(running)
        assert running.terminate() == 0


def stops(name: str, right: Right) -> bool:
    """Whether it cannot go on without: a queue delivers nothing then, a callback can give nothing up."""
    if name == "ops-queue":
        return right.operation is not Operation.DESCRIBE_CONFIGS and not right.name.endswith(".redrive")
    return right.operation is Operation.WRITE and right.name.endswith((".held", ".dead-letter", f".{name}."))


@pytest.mark.parametrize("at", numbered(Part.PUBLISH))
def test_publish_names_the_topic_that_it_may_not_write_to(at: int, place: Place) -> None:
    right = without(place, Part.PUBLISH, at, place.ours)
    before, publish = place.published(), ("publish", "--notifications", place.ours.notifications())
    refused = place.invoke(*publish, stdin=place.lines(1))
    assert refused.status == 1
    assert names_it(refused.stderr, right), refused
    assert "Traceback" not in refused.stderr
    place.rights.give([right])
    assert place.invoke(*publish, stdin=place.lines(1)).status == 0
    assert place.published() == before + 1


@pytest.mark.parametrize("at", numbered(Part.TOPICS_APPLY))
def test_topics_apply_names_the_right_that_it_lacks(at: int, place: Place, stage: tuple[Setting, Setting]) -> None:
    ours, theirs = stage
    right = without(place, Part.TOPICS_APPLY, at, ours)
    if right.operation is not Operation.CREATE:  # what is not there is not compared
        ours.create_topics()
    refused = place.invoke("topics", "--apply", setting=theirs)
    assert refused.status == 2
    assert names_it(refused.stdout + refused.stderr, right), refused
    place.rights.give([right])
    assert place.invoke("topics", "--apply", setting=theirs).status == 0
    assert set(re.findall(r": (\w+)$", place.invoke("topics", setting=ours).stdout + "", re.MULTILINE)) == {"ok"}


@pytest.mark.parametrize("at", numbered(Part.DEAD_LETTERS))
def test_dead_letters_list_names_the_topic_that_it_may_not_read(at: int, place: Place) -> None:
    right = without(place, Part.DEAD_LETTERS, at, place.ours)
    label = "/".join(right.name.split(".")[1:3])
    refused = place.invoke("dead-letters", "list", label)
    assert refused.status == 2
    assert names_it(refused.stderr, right), refused
    place.rights.give([right])
    assert place.invoke("dead-letters", "list", label).status == 0


@pytest.mark.parametrize("at", numbered(Part.REDRIVE))
def test_redrive_names_the_right_that_it_lacks_and_sends_again_once_it_has_it(
    at: int, place: Place, stage: tuple[Setting, Setting]
) -> None:
    ours, theirs = stage
    ours.create_topics()
    right = without(place, Part.REDRIVE, at, ours)
    name = right.name.split(".")[2]
    produce(place.servers, ours.dead_letter_topic(name), b"no event", b"job-1")
    if right.operation is Operation.DESCRIBE_CONFIGS:
        place.create_redrive_topics(ours.topic)
    redrive = ("dead-letters", "redrive", f"{ours.topic}/{name}")
    refused = place.invoke(*redrive, setting=theirs)
    assert refused.status == 2
    assert names_it(refused.stderr, right), refused
    place.rights.give([right])
    assert place.invoke(*redrive, setting=theirs).stdout.splitlines()[-1].startswith("1 dead letters of ")


@pytest.mark.parametrize("at", numbered(Part.QUEUE_READER))
def test_a_queues_reader_needs_its_rights(at: int, place: Place) -> None:
    if committed_count(place.servers, QUEUE) == 0:
        produce(place.servers, QUEUE, b"a message")
    right = without(place, Part.QUEUE_READER, at, place.ours)
    config = place.theirs.config["kafka"] | {"sasl.password": PASSWORD, "group.id": f"{QUEUE}.reader-{at}"}
    config |= {"topic.metadata.refresh.interval.ms": 1000, "log_level": 0}  # the default is 5 minutes
    consumer = Consumer(config | {"auto.offset.reset": "earliest", "isolation.level": "read_committed"})
    consumer.subscribe([QUEUE])
    codes = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}
    try:
        refused = consumer.poll(30)
        assert refused is not None
        error = refused.error()
        assert error is not None
        assert error.code() in codes
        place.rights.give([right])
        wait_until(lambda: (one := consumer.poll(1)) is not None and one.error() is None, "a message")
    finally:
        consumer.close()
