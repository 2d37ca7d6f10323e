"""Records that are odd, large, many, or no events at all."""

from collections.abc import Callable

from tests.faults.brokers import recreate
from tests.faults.case import Expect, case
from tests.faults.scene import Scene
from tests.faults.streams import job_line, of_many_jobs, of_one_job
from tests.harness.kafka import produce, produce_many
from tests.harness.oracle import expected


def among_events(value: bytes | None, reason: bytes) -> Callable[[Scene], None]:
    """Put such a record before, between and behind events."""

    def do(scene: Scene) -> None:
        for seed in (1, 2):
            produce(scene.servers, scene.setting.event_topic, value, b"job-bad", seed)
            scene.publish(15, seed)
        produce(scene.servers, scene.setting.event_topic, value, b"job-bad", 0)
        scene.odd = 3
        scene.finish()
        assert scene.letters_seen() == (3, 3)
        for letter in scene.letters():
            assert letter.headers["dl_reason"].startswith(reason), letter
            assert letter.value == value

    return do


THREE_LETTERS = Expect(letters=3, queue_letters=3)

case("bad Avro", "Bytes that are no record: to the dead letters as they are.", expect=THREE_LETTERS)(
    among_events(b"garbage", b"undecodable")
)
case("unknown fingerprint", "A schema that nobody knows: to the dead letters.", expect=THREE_LETTERS)(
    among_events(b"\xc3\x01" + b"a" * 30, b"undecodable: unknown schema fingerprint")
)
case("tombstone", "A record without a value: to the dead letters.", expect=THREE_LETTERS)(
    among_events(None, b"undecodable: a record without a value")
)


@case("newer field", "Events with fields that this version does not know: passed on, fields and all.")
def newer_field(scene: Scene) -> None:
    lines = [job_line(f"job-{number % 7}", number, NewerField={"deep": [number, None]}) for number in range(200)]
    scene.publish_lines(lines)
    scene.finish()


@case("1 MB record", "An event close to the size limit, among others of its key.")
def megabyte(scene: Scene) -> None:
    lines = of_one_job("job-large", 20)
    lines[10] = job_line("job-large", 10, JobName="x" * 1_000_000)
    scene.publish_lines(lines)
    scene.finish()


@case("null key", "Events without a key: delivered in the order of their partition.")
def null_key(scene: Scene) -> None:
    lines = of_one_job("job-keyless", 200)
    with_key = scene.publish_aside(lines)
    recreate(scene)
    produce_many(scene.servers, scene.setting.event_topic, [(one.value, None, 0, one.headers) for one in with_key])
    scene.sent += expected(lines)
    scene.publish(15)
    scene.finish()


@case("100,000 keys", "One event each: nothing is kept of a key that is done.")
def many_keys(scene: Scene) -> None:
    scene.publish_lines(of_many_jobs(100_000))
    scene.finish()


@case(
    "poison event in the middle of a key",
    "One event of a key is refused for good: given up after its attempts, its followers go on, in order.",
    http={"retry_schedule_s": [0.1, 0.1]},
    expect=Expect(letters=1),
)
def poison(scene: Scene) -> None:
    ids: dict[str, int] = {}

    def answer(_path: str, msg_id: str, _attempt: int) -> int:
        return 500 if ids.setdefault(msg_id, len(ids)) == 100 else 200

    scene.sink.answer = answer
    scene.publish_lines(of_one_job("job-poisoned", 300))
    scene.finish()
    assert sum(not one.accepted for one in scene.requests) == 3
