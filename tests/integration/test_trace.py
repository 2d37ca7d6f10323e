"""Why did this event not arrive? `batch-events trace`, asked about what the real `run` did on a real broker."""

import json
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from tests.brokers.broker import Broker
from tests.brokers.pytest_plugin import unique_name
from tests.harness.command import invoke, wait_until
from tests.harness.kafka import read_all
from tests.harness.sink import Call, Conduct, Sink
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker

TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

LUCKY, TWICE, REFUSED, FILTERED, STUCK, LATE = (
    f"job-{name}" for name in ("lucky", "twice", "refused", "filtered", "stuck", "late")
)


class Endpoint:
    """Answers by the job that a push is about, but at /ok, where all is taken."""

    def __init__(self) -> None:
        self.attempts: Counter[str] = Counter()

    def __call__(self, path: str, _msg_id: str, _attempt: int) -> int | Conduct:
        return 200 if path == "/ok" else self._conduct

    async def _conduct(self, call: Call) -> None:
        message = json.loads(b64decode(json.loads(call.request.body)["msgBody"]))
        job = message["Events"][0]["Batch"]["JobId"]
        self.attempts[job] += 1
        call.reply(self.status(job, self.attempts[job]))

    @staticmethod
    def status(job: str, attempt: int) -> int:
        if job == REFUSED:
            return 400
        if job == STUCK:
            return 503
        return 503 if job == TWICE and attempt <= 2 else 200


class Story:
    """What `run` did, and questions about it."""

    def __init__(self, setting: Setting, queue: str) -> None:
        self.setting = setting
        self.queue_topic = f"cmq.queue.{queue}"
        self.while_running = ""

    def ask(self, name: str, *question: str) -> str:
        result = invoke("trace", f"{self.setting.topic}/{name}", *question, "--config", self.setting.file)
        assert result.status == 0, result
        return result.stdout

    def play(self, sink: Sink, endpoint: Endpoint) -> None:
        setting = self.setting
        assert setting.publish(text_of(*LINES)).status == 0
        labels = [f"--subscription={setting.topic}/{name}" for name in ("billing", "untraced", "ops-queue")]
        with setting.run(*labels) as running:
            held, letters = f"cmq.{setting.topic}.billing.held", setting.dead_letter_topic("billing")
            wait_until(lambda: endpoint.attempts[TWICE] >= 3, "the third attempt", alive=[running])
            wait_until(lambda: endpoint.attempts[LUCKY] == 1, "the only attempt", alive=[running])
            for topic in (held, letters):
                wait_until(lambda topic=topic: bool(read_all(setting.servers, topic)), topic, alive=[running])  # type: ignore[misc]
            wait_until(lambda: sink.accepted("/ok") == len(LINES), "the untraced ones", alive=[running])
            queued = partial(read_all, setting.servers, self.queue_topic)
            wait_until(lambda: len(queued()) == len(LINES), "the queue to have them", alive=[running])
            self.while_running = self.ask("billing", "--job", STUCK)
            assert running.terminate() == 0
            assert not [line for line in running.lines if "trace_dropped" in line or "trace_topic_missing" in line]


LINES = [
    *(job_line(job) for job in (LUCKY, TWICE, REFUSED, STUCK)),
    job_line(FILTERED, "FAILED", "RUNNING"),
    job_line(STUCK, "SUCCEED", "RUNNING"),
]


@pytest.fixture(scope="module")
def story(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    endpoint = Endpoint()
    with Sink(endpoint) as sink:
        topic = unique_name("job-message")
        setting = Setting(tmp_path_factory.mktemp("trace"), broker.bootstrap_servers, topic)
        more = {"retry_schedule_s": [0.1, 0.1, 900], "on_refused": "dead-letter"}
        setting.http("billing", sink.url("/"), trace=True, events=["JOB_RUNNING", "JOB_SUCCEED"], **more)
        setting.http("untraced", sink.url("/ok"))
        setting.http("idle", sink.url("/ok"))
        setting.queue("ops-queue", queue := unique_name("ops"))
        setting.create_topics()
        told = Story(setting, queue)
        told.play(sink, endpoint)
        yield told


def verdicts(text: str) -> list[str]:
    return re.findall(r"^  => (.*)$", text, re.MULTILINE)


def attempts(text: str) -> list[str]:
    """Without the times."""
    lines = re.findall(rf"^  {TIME}  (.*)$", text, re.MULTILINE)
    return [re.sub(rf"{TIME}|[\d.]+ ms", "…", line) for line in lines]


def test_an_event_that_arrived_at_once_is_told_with_its_attempt(story: Story) -> None:
    text = story.ask("billing", "--job", LUCKY)
    where = rf"{story.setting.event_topic} \d:\d"
    assert re.match(rf"JOB_RUNNING  {LUCKY}  id [0-9a-f]{{32}}  {where}  published {TIME}\n", text)
    assert attempts(text) == ["attempt 1  delivered  status 200  …"]
    assert re.fullmatch(rf"delivered: attempt 1, status 200, at {TIME}", verdicts(text)[0])


def test_an_event_that_failed_twice_and_then_arrived_is_told_with_all_three(story: Story) -> None:
    text = story.ask("billing", "--job", TWICE)
    assert attempts(text) == [
        "attempt 1  failed  status 503  …  next try …",
        "attempt 2  failed  status 503  …  next try …",
        "attempt 3  delivered  status 200  …",
    ]
    assert re.fullmatch(rf"delivered: attempt 3, status 200, at {TIME}", verdicts(text)[0])


def test_a_dead_letter_is_told_with_its_reason_and_how_to_send_it_again(story: Story) -> None:
    text = story.ask("billing", "--job", REFUSED)
    assert attempts(text) == ["attempt 1  failed  status 400  …", "dead letter  status 400  refused: status 400"]
    why = rf"dead letter \d:0 since {TIME}: refused: status 400, after 1 attempt"
    again = f"`batch-events dead-letters redrive {story.setting.topic}/billing` sends it again"
    assert re.fullmatch(f"{why}; {again}", verdicts(text)[0])


def test_an_event_that_the_subscription_filters_is_not_wanted(story: Story) -> None:
    text = story.ask("billing", "--job", FILTERED)
    assert attempts(text) == []
    assert verdicts(text) == [f"not wanted: the `events` of {story.setting.topic}/billing leave out JOB_FAILED"]


def test_an_event_that_waits_for_its_retry_is_told_when_and_what_waits_behind_it(story: Story) -> None:
    waits = rf"waits for its 3rd retry, next try at {TIME}"
    text = story.ask("billing", "--job", STUCK)
    for told in (text, story.while_running):
        first, second = verdicts(told)
        assert re.fullmatch(waits, first)
        assert re.fullmatch(rf"waits behind JOB_RUNNING at \d:\d of the same key, which {waits}", second)
        assert len(attempts(told)) == 3, "the follower was not attempted"
    _, follower = re.findall(r"^JOB_\w+  \S+  id (\w+)", text, re.MULTILINE)
    assert verdicts(story.ask("billing", "--event-id", follower)) == verdicts(text)[1:], "asked for alone"


def test_all_events_since_a_time_are_told_oldest_first_and_none_of_another_time(story: Story) -> None:
    text = story.ask("billing", "--since", "2026-01-01T00:00:00Z")
    told = re.findall(r"^(JOB_\w+)  (job-\w+) .* published (\S+)$", text, re.MULTILINE)
    jobs = [job for _, job, _ in told if job != LATE]
    assert sorted(jobs) == sorted(line["Job"]["JobId"] for line in LINES)
    assert [time for _, _, time in told] == sorted(time for _, _, time in told)
    assert verdicts(story.ask("billing", "--since", "2026-01-01T00:00:00Z", "--until", told[0][2])) == []


def test_an_event_that_was_never_published_is_said_to_be_none(story: Story) -> None:
    assert story.ask("billing", "--event-id", "0" * 32).startswith(
        f"no such event: {story.setting.event_topic} does not hold it"
    )


def test_of_a_subscription_that_does_not_trace_the_offsets_tell(story: Story) -> None:
    text = story.ask("untraced", "--job", LUCKY)
    (told,) = verdicts(text)
    assert told.startswith("settled, and no dead letter: delivered, by what Kafka knows")
    assert f"attempts of {story.setting.topic}/untraced are not recorded: it has no `trace: true`" in text


def test_of_a_subscription_that_never_ran_nothing_is_read(story: Story) -> None:
    (told,) = verdicts(story.ask("idle", "--job", LUCKY))
    assert re.fullmatch(r"not read yet: the group \S+ has no offset in partition \d; has it ever run\?", told)


def test_of_a_queue_subscription_the_commit_tells(story: Story) -> None:
    (told,) = verdicts(story.ask("ops-queue", "--job", LUCKY))
    assert told.startswith("delivered: it went into the queue ops")


def test_what_is_published_while_nothing_runs_is_not_read_yet(story: Story) -> None:
    assert story.setting.publish(text_of(job_line(LATE))).status == 0
    (told,) = verdicts(story.ask("billing", "--job", LATE))
    assert re.match(r"not read yet: the group \S+ (is at offset \d of partition \d, .*|has no offset .*)", told)
