"""Waiting for topics and brokers that are not there yet.

Shape   TopicWait.until_there(topics, vital) -> True once all exist, False when the process stops before
Conduct says what is missing, and the command that creates it, at once and then every SAY_EVERY_S; not ready meanwhile
Threads all subscriptions of a process share one question: one thread asks, the others wait for its answer, and none
        waits for longer than ANSWER_S before it shows that it lives and looks whether the process stops
"""

import logging
import threading
import time
from collections.abc import Callable

from adapters.provision import TopicAdmin
from pipeline.cluster import Cluster
from pipeline.errors import PipelineError, TopicMissingError
from pipeline.health import Vital
from pipeline.stop import StopRequest

log = logging.getLogger(__name__)

ASK_EVERY_S = 1.0
ANSWER_S = 5.0
SAY_EVERY_S = 30.0

Answer = set[str] | PipelineError
"""The topics that exist, or why nobody can tell."""


class TopicWait:
    """Shared by all subscriptions of a process."""

    def __init__(self, cluster: Cluster, stop: StopRequest) -> None:
        self.admin = TopicAdmin(cluster)
        self._asked = _SharedQuestion(self.admin)
        self._cluster = cluster
        self._stop = stop

    def until_there(
        self,
        topics: list[str],
        vital: Vital,
        stop: StopRequest | None = None,
        create: Callable[[set[str]], None] | None = None,
    ) -> bool:
        """Wait until all of these topics exist.

        Args:
            stop: of this one, if it is another one than the process's.
            create: is told what topics there are as long as some are missing, and may create them.
        """
        said_s: dict[str, float] = {}
        stop = self._stop if stop is None else stop
        while not stop.requested:
            vital.turned()
            answer = self._asked.answer()
            reason = self._reason(answer, topics)
            if create is not None and reason is not None and isinstance(answer, set):
                create(answer)
            vital.trouble(reason or "waiting for partitions")
            if reason is None:
                return True
            now_s = time.monotonic()
            if now_s - said_s.get(reason, -SAY_EVERY_S) >= SAY_EVERY_S:
                said_s[reason] = now_s
                log.error("not_ready", extra={"subscription": vital.name, "reason": reason})
            stop.wait(ASK_EVERY_S)
        return False

    def existing(self) -> set[str]:
        """All topics there are; none if no broker answers now: whoever needs the broker says so."""
        answer = self._asked.answer()
        return answer if isinstance(answer, set) else set()

    def _reason(self, answer: Answer | None, topics: list[str]) -> str | None:
        """What is to wait for."""
        if answer is None:
            return "waiting for the brokers' first answer"
        if isinstance(answer, PipelineError):
            return str(answer)
        missing = [topic for topic in topics if topic not in answer]
        refused = self._cluster.topic_refused(missing)
        return _missing(missing) if refused is None else str(refused)


def _missing(topics: list[str]) -> str | None:
    if len(topics) > 1:
        return (
            f"Kafka has no topics {', '.join(map(repr, topics))}; "
            "`batch-events topics --apply` creates those of the configuration"
        )
    return str(TopicMissingError(topics[0])) if topics else None


class _SharedQuestion:
    """Which topics exist, asked at most every ASK_EVERY_S, by one thread at a time."""

    def __init__(self, admin: TopicAdmin) -> None:
        self._admin = admin
        self._state = threading.Condition()
        self._asking = False
        self._answer: Answer | None = None
        self._answered_s = float("-inf")

    def answer(self) -> Answer | None:
        """The latest answer; None before there is one."""
        with self._state:
            if self._asking:
                self._state.wait(2 * ANSWER_S)  # it comes within ANSWER_S, if late by a breath
                return self._answer
            if time.monotonic() - self._answered_s < ASK_EVERY_S:
                return self._answer
            self._asking = True
        answer = self._ask()
        with self._state:
            self._answer, self._answered_s, self._asking = answer, time.monotonic(), False
            self._state.notify_all()
        return answer

    def _ask(self) -> Answer:
        try:
            return self._admin.existing(ANSWER_S)
        except PipelineError as error:
            return error
