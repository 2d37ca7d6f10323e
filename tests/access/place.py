"""A guarded cluster, a queue and an HTTP subscription on it, and the user whose rights are given and taken.

Shape   Place(cluster, folder, sink): .ours is a super user's configuration, .theirs the user's; invoke() and run() are
        the user's; stage(name) gives a configuration of other topics. guarded_place(folder) starts and ends it all
Fates   what is refused for good (400) or put off beyond the bound of held keys (503), of the next events that come
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from adapters.access import Right
from adapters.settings import Settings
from adapters.settings_file import load_settings
from tests.access.rights import Rights
from tests.brokers.guarded import PASSWORD, GuardedCluster, guarded_cluster
from tests.harness.command import Result, Running, invoke
from tests.harness.kafka import committed_count, read_all
from tests.harness.sink import Sink
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting

EVENTS = 6
HELD_S = 8.1
"""A retry that is due later than after 8 s is held."""

TOPIC, QUEUE = "job-message", "cmq.queue.ops"
NAMES = ("ops-queue", "billing")

SAMPLE = load_settings(str(Path(__file__).with_name("sample.yaml")), {})
"""As the cases' configuration, for a list of them before there is a broker."""


def settings_of(setting: Setting) -> Settings:
    return load_settings(setting.file, {"PASSWORD": PASSWORD})


def shown(right: Right) -> str:
    """For the name of a test."""
    return f"{right.name}-{right.operation}"


def names_it(text: str, right: Right) -> bool:
    """Whether a line says what was refused."""
    return any(right.name in line and "AUTHORIZATION_FAILED" in line for line in text.splitlines())


def configured(folder: Path, servers: str, url: str, topic: str = TOPIC, **more: Any) -> Setting:
    """A queue and an HTTP subscription; `more` is of the latter."""
    folder.mkdir(exist_ok=True)
    setting = Setting(folder, servers, topic)
    setting.config["topics"] |= {"partitions": 2}
    setting.queue("ops-queue", "ops" if topic == TOPIC else f"{topic}-ops")
    setting.http("billing", url, **{"on_refused": "dead-letter", "retry_schedule_s": [HELD_S], **more})
    return setting


class Place:
    """One a module: its topics and rights are shared, its events are not."""

    def __init__(self, cluster: GuardedCluster, folder: Path, sink: Sink, **more: Any) -> None:
        self.rights = Rights(cluster)
        self.servers = cluster.bootstrap_servers
        self._cluster = cluster
        self._folder = folder
        self._sink = sink
        self._more = more
        self.ours, self.theirs = self.stage(TOPIC)
        self._jobs = count(1)
        self.next_fates: deque[int] = deque()
        self._fates: dict[str, int] = {}
        sink.answer = self._answer

    def stage(self, topic: str) -> tuple[Setting, Setting]:
        """Configurations of the same topics: a super user's, and the user's."""
        url = self._sink.url("/")
        ours, theirs = (
            configured(self._folder / f"{topic}-{who}", self.servers, url, topic, **self._more) for who in "ab"
        )
        theirs.config["kafka"] |= self._cluster.as_user("${PASSWORD}")
        return ours, theirs

    def _answer(self, _path: str, msg_id: str, attempt: int) -> int:
        if msg_id not in self._fates:
            self._fates[msg_id] = self.next_fates.popleft() if self.next_fates else 200
        fate = self._fates[msg_id]
        return 200 if fate == 503 and attempt > 1 else fate

    def invoke(self, *args: str, stdin: bytes = b"", setting: Setting | None = None) -> Result:
        """A command of the user's."""
        return invoke(*args, "--config", (setting or self.theirs).file, stdin=stdin, env={"PASSWORD": PASSWORD})

    def run(self, name: str) -> Running:
        """One subscription, delivered by the user."""
        one = ("--subscription", f"{TOPIC}/{name}")
        return Running("run", "--config", self.theirs.file, *one, env={"PASSWORD": PASSWORD})

    def lines(self, events: int = EVENTS) -> bytes:
        """Events that were not there before."""
        return text_of(*(job_line(f"job-{next(self._jobs)}") for _ in range(events)))

    def published(self) -> int:
        return committed_count(self.servers, self.ours.event_topic)

    def create_redrive_topics(self, topic: str = TOPIC) -> None:
        """As a redrive does."""
        admin = AdminClient({"bootstrap.servers": self.servers, "log_level": 0})
        made = admin.create_topics([NewTopic(f"cmq.{topic}.{name}.redrive", 2, 1) for name in NAMES])
        for done in made.values():
            done.result(30)

    def arrived(self, name: str) -> int:
        """How many different events have arrived, or are dead letters."""
        arrived = committed_count(self.servers, QUEUE) if name == "ops-queue" else self._sink.accepted("/")
        return arrived + len({letter.key for letter in read_all(self.servers, self.ours.dead_letter_topic(name))})

    def came(self, name: str) -> int:
        """How many messages there are, or attempts were, of whatever event."""
        return committed_count(self.servers, QUEUE) if name == "ops-queue" else len(self._sink.requests)

    def done(self, name: str) -> bool:
        """Whether all have."""
        return self.arrived(name) == self.published()


@contextmanager
def guarded_place(folder: Path, **more: Any) -> Iterator[Place]:
    """With its topics; `more` is of the HTTP subscription."""
    with guarded_cluster() as cluster, Sink() as sink:
        one = Place(cluster, folder, sink, **more)
        one.ours.create_topics()
        one.create_redrive_topics()
        yield one
