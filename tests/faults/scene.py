"""One case's world: its topics, two subscriptions, an endpoint, and the processes that deliver.

Shape   Scene as a context: publish(…), start(…), die_at(point), finish(); judge() gives the oracle's counts
Names   subscription `billing` posts to the sink, `ops` fills a queue
"""

import functools
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from confluent_kafka.admin import AdminClient

from tests.brokers.native import NativeCluster
from tests.harness.books import Counts, Where, count_http, count_queue
from tests.harness.command import Running, invoke, wait_until
from tests.harness.group_state import DurableState
from tests.harness.kafka import Follower, Read, read_all
from tests.harness.oracle import Message, expected
from tests.harness.sink import Request, Sink
from tests.integration.setting import Setting

PATH = "/billing"
KILL_AT = "BATCH_EVENTS_TEST_KILL_AT"
KILLED = -signal.SIGKILL

HELD_S = 8.1
"""A retry that is due later than after 8 s is held."""

QUICK_CLOCKS = {"session.timeout.ms": 3000, "heartbeat.interval.ms": 700}
STOCK_CLOCKS = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 2000}

_ATTEMPT = re.compile(r"delivery_attempted subscription=\S+ partition=(\d+) offset=(\d+) (?:key=(\S+) )?msg_id=(\d+) ")


@functools.cache
def simulated(jobs: int, seed: int) -> tuple[bytes, ...]:
    """Lines of `simulate`, made once."""
    result = invoke("simulate", "--jobs", str(jobs), "--seed", str(seed))
    assert result.status == 0, result
    return tuple(result.stdout.encode().splitlines())


class Scene:
    """What a case plays in."""

    def __init__(
        self,
        folder: Path,
        servers: str,
        unique: Callable[[str], str],
        clocks: Mapping[str, int],
        config: Mapping[str, Any],
        http: Mapping[str, Any],
        queue: Mapping[str, Any] | None,
        cluster: NativeCluster | None = None,
    ) -> None:
        self.servers = servers
        self.sink = Sink()
        self.sent: list[Message] = []
        self.faults: list[DurableState] = []
        self.orphans: set[int] = set()
        """Requests that were out at a fault, by their arrival: their sender is gone, or hears nothing."""
        self.taken = 0
        """Events that the log has lost before they were delivered: so many are missing, no more and no less."""
        self.odd = 0
        """Records that are no events: each is a dead letter of each subscription."""
        self.running: list[Running] = []
        self.members: list[Running] = []
        """All that were ever started."""
        self.statuses: list[int] = []
        self._cluster = cluster
        self._stack = ExitStack()
        self._folder = folder
        self._http = dict(http)
        self._queue = queue
        self.setting = Setting(folder, servers, unique("job-message"))
        self.queue_name = unique("ops").lower()
        self.setting.config |= {name: one for name, one in config.items() if name != "kafka"}
        self.setting.config["kafka"] |= {**clocks, **config.get("kafka", {})}

    def __enter__(self) -> Self:
        self._stack.enter_context(self.sink)
        self.setting.http("billing", self.sink.url(PATH), **self._http)
        if self._queue is not None:
            self.setting.queue("ops", self.queue_name, **self._queue)
        self.setting.create_topics()
        self._letters = self._follow(self.dead_letters)
        self._queue_letters = None if self._queue is None else self._follow(self.setting.dead_letter_topic("ops"))
        self._in_queue = None if self._queue is None else self._follow(self.queue_topic)
        return self

    def __exit__(self, *args: object) -> None:
        for one in self.members:
            if one.process.poll() is None:
                one.process.send_signal(signal.SIGCONT)
        self._stack.__exit__(None, None, None)
        for number, one in enumerate(self.members, 1):
            (self._folder / f"member-{number}.log").write_text("\n".join(one.lines))

    @property
    def cluster(self) -> NativeCluster:
        """The case's own brokers."""
        assert self._cluster is not None
        return self._cluster

    @property
    def dead_letters(self) -> str:
        return self.setting.dead_letter_topic("billing")

    @property
    def held_topic(self) -> str:
        return f"cmq.{self.setting.topic}.billing.held"

    @property
    def queue_topic(self) -> str:
        return f"cmq.queue.{self.queue_name}"

    @property
    def group(self) -> str:
        return f"cmq.{self.setting.topic}.billing"

    @functools.cached_property
    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.servers, "log_level": 0})

    @property
    def requests(self) -> list[Request]:
        return self.sink.of(PATH)

    @property
    def accepted(self) -> int:
        return self.sink.accepted(PATH)

    # Doing

    def publish(self, jobs: int = 60, seed: int = 1) -> None:
        """Publish a believable stream; about 18 events a job."""
        self.publish_lines(simulated(jobs, seed))

    def publish_lines(self, lines: Sequence[bytes]) -> None:
        """Publish these changes."""
        result = self.setting.publish(b"\n".join(lines))
        assert result.status == 0, result
        self.sent += expected(lines)

    def publish_aside(self, lines: Sequence[bytes]) -> list[Read]:
        """Publish lines that are not to count; their records, for somebody else to produce."""
        result = self.setting.publish(b"\n".join(lines))
        assert result.status == 0, result
        return read_all(self.servers, self.setting.event_topic)

    def start(self, env: Mapping[str, str] | None = None) -> Running:
        """Start a member; it is taken down with the scene."""
        member = self.setting.run(env=env)
        self._stack.enter_context(member)
        self.running.append(member)
        self.members.append(member)
        return member

    def die_at(self, point: str, passage: int = 1) -> Running:
        """Start a member that kills itself at a point, and wait until it has."""
        member = self.start({KILL_AT: f"{point}:{passage}"})
        self.await_death(member)
        return member

    def await_death(self, member: Running) -> None:
        """Wait until a member has killed itself."""
        try:
            status = member.process.wait(45)
        except subprocess.TimeoutExpired:
            raise AssertionError("not killed in time:\n" + "\n".join(member.lines[-40:])) from None
        assert status == KILLED, f"status {status}, not killed:\n" + "\n".join(member.lines[-40:])
        self.note_fault(member)

    def kill(self, member: Running) -> None:
        """SIGKILL."""
        member.kill()
        self.note_fault(member)

    def note_fault(self, member: Running | None = None) -> None:
        """Something has gone down: what was not settled by now may come again."""
        if member is not None:
            self.running.remove(member)
        self.orphans |= {one.arrived for one in self.requests if not one.ended}
        self.faults.append(self.durable())

    def stop(self, member: Running) -> int:
        """SIGTERM, and its exit status."""
        self.running.remove(member)
        status = member.terminate()
        self.statuses.append(status)
        return status

    def wait(self, true: Callable[[], bool], what: str, timeout_s: float = 60.0, every_s: float = 0.02) -> None:
        """Wait for a condition; no member may end meanwhile."""
        try:
            wait_until(true, what, timeout_s, every_s, alive=self.running)
        except AssertionError as error:
            tails = ["\n".join(member.lines[-25:]) for member in self.running]
            raise AssertionError(f"{error}\n{self.progress()}\n" + "\n---\n".join(tails)) from None

    def wait_accepted(self, count: int) -> None:
        """Wait until the endpoint has taken that many."""
        self.wait(lambda: self.accepted >= count, f"{count} accepted", every_s=0.001)

    def wait_committed(self) -> None:
        """Wait until some event is settled, durably."""
        self.wait(lambda: self.durable().begun, "a commit", every_s=0.1)

    def wait_held(self, count: int = 1) -> None:
        """Wait until that many keys are held, durably."""
        self.wait(lambda: len(self.durable().held) >= count, f"{count} keys held", every_s=0.1)

    def finish(self) -> None:
        """Let everything arrive, then stop in order."""
        if not self.running:
            self.start()
        self.wait(self.all_arrived, "everything delivered or in the dead letters")
        # After a fault what was in flight comes again, behind what the endpoint has: let that be committed, too.
        self.wait(lambda: not self.uncommitted(), "everything committed", every_s=0.2)
        for member in list(self.running):
            member.wait_for_line("started")  # until then SIGTERM is nobody's
            assert self.stop(member) == 0, "\n".join(member.lines[-40:])

    def all_arrived(self) -> bool:
        """Whether each subscription has everything, one way or the other."""
        if self.accepted + len(self._letters.look()) < len(self.sent) + self.odd - self.taken:
            return False
        if self._in_queue is None or self._queue_letters is None:
            return True
        return len(self._in_queue.look()) + len(self._queue_letters.look()) >= len(self.sent) + self.odd

    def letters_seen(self) -> tuple[int, int]:
        """How many dead letters each subscription has."""
        assert self._queue_letters is not None
        return len(self._letters.look()), len(self._queue_letters.look())

    def arrive_all(self) -> None:
        """Let every event be accepted, dead letters too, then stop."""
        self.wait(lambda: self.accepted >= len(self.sent), "the dead letters to be accepted")
        self.finish()

    def topics_created(self) -> bool:
        """Run `topics --apply`; whether it made everything."""
        done = invoke("topics", "--apply", "--config", self.setting.file).status == 0
        if done:
            self._letters = self._follow(self.dead_letters)
        return done

    def exhausted(self, attempts: int) -> set[str]:
        """Messages that were attempted so often."""
        times = Counter(one.msg_id for one in self.requests)
        return {msg_id for msg_id, count in times.items() if count >= attempts}

    def uncommitted_but_held(self) -> int:
        """Events beyond the HTTP subscription's commits, whatever is held."""
        state = self.durable()._replace(held={})
        return len(state.unfinished(read_all(self.servers, self.setting.event_topic)))

    def progress(self) -> str:
        """Where it stands, for a failure's text."""
        queue = "no queue" if self._in_queue is None else f"{len(self._in_queue.look())} in the queue"
        letters = len(self._letters.look())
        state = self.durable()
        return (
            f"sent {len(self.sent)}, accepted {self.accepted}, letters {letters}, {queue}, "
            f"requests {len(self.requests)}, held {len(state.held)}, committed "
            f"{ ({part: one.offset for part, one in state.committed.items()}) }"
        )

    # Judging

    def durable(self) -> DurableState:
        """What the HTTP subscription has durably done."""
        return DurableState.of(self.servers, self.group, self.setting.event_topic, self.held_topic)

    def letters(self) -> list[Read]:
        """The dead letters of the HTTP subscription."""
        return read_all(self.servers, self.dead_letters)

    def judge_http(self, *, redriven: bool) -> Counts:
        """The HTTP subscription's counts."""
        assert not self.sink.errors, self.sink.errors
        counts = count_http(
            self.sent,
            self.requests,
            self.letters(),
            self.faults,
            self.places(),
            self.orphans,
            redriven=redriven,
            odd=self.odd,
        )
        return counts._replace(lost=counts.lost - self.taken)

    def judge_queue(self) -> Counts | None:
        """The queue's counts."""
        if self._queue is None:
            return None
        letters = read_all(self.servers, self.setting.dead_letter_topic("ops"))
        return count_queue(self.sent, read_all(self.servers, self.queue_topic), letters, odd=self.odd)

    def uncommitted(self) -> list[str]:
        """What some group has not committed, or whose key is still held."""
        events = read_all(self.servers, self.setting.event_topic)
        states = {"billing": self.durable()}
        if self._queue is not None:
            group = f"cmq.{self.setting.topic}.ops"
            states["ops"] = DurableState.of(self.servers, group, self.setting.event_topic, None)
        return [
            f"{name}: {one.partition}:{one.offset} of {one.key!r}, committed {state.committed.get(one.partition)}"
            for name, state in states.items()
            for one in state.unfinished(events)
        ]

    def log_holds(self, *parts: str) -> bool:
        """Whether a member has logged a line with all of these."""
        return any(all(part in line for part in parts) for member in self.members for line in list(member.lines))

    def attempts_logged(self) -> list[re.Match[str]]:
        """The lines of attempts at the endpoint, of all members."""
        return [found for member in self.members for line in list(member.lines) if (found := _ATTEMPT.search(line))]

    def places(self) -> dict[str, Where]:
        """Where each message's event is, as far as attempts were logged."""
        places: dict[str, Where] = {}
        for found in self.attempts_logged():  # the first counts: a redriven event comes from another topic
            places.setdefault(found[4], (int(found[1]), int(found[2]), found[3].encode() if found[3] else None))
        return places

    def _follow(self, topic: str) -> Follower:
        follower = Follower(self.servers, topic)
        self._stack.callback(follower.close)
        return follower
