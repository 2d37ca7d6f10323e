"""What surrounds a subscription that starts, where it works and yet puts a promise at risk: said, each thing once.

Shape   StartCheck, shared by all subscriptions of a process: of(subscription, input topic, topics), any thread
Checks  topics whose acknowledged records may be in one place only, or whose events may fall off the log before they are
        too old (topic_risks.py); more descriptors wanted than there are (descriptor_limit.py)
Judged  warnings: not to deliver would lose the very events that are at risk
Bounds  blocks for seconds at most. What nobody tells is said to be unchecked, and stops nothing
"""

import logging
import threading
from collections.abc import Iterator, Sequence

from adapters.descriptor_limit import DescriptorCheck
from adapters.provision import TopicAdmin
from adapters.topic_risks import age_risks, replica_risk
from pipeline.errors import PipelineError
from pipeline.subscription import Subscription
from pipeline.topics import ActualTopic

log = logging.getLogger(__name__)


class StartCheck:
    """Asks, and says what it finds."""

    def __init__(self, admin: TopicAdmin, subscriptions: Sequence[Subscription]) -> None:
        self._admin = admin
        self._descriptors = DescriptorCheck(subscriptions)
        self._lock = threading.Lock()
        self._said: set[tuple[str, str]] = set()

    def of(self, one: Subscription, input_topic: str, topics: list[str]) -> None:
        """Check what this subscription uses; its topics exist."""
        try:
            actual = self._admin.actual(list({input_topic, *topics}))
        except PipelineError as error:
            log.warning("topics_unchecked", extra={"subscription": one.label, "error": str(error)})
            return
        self._descriptors.at(self._admin.brokers)
        for topic, risk in _risks(one, input_topic, actual):
            if self._is_new(topic, risk):
                log.warning("topic_at_risk", extra={"topic": topic, "risk": risk})

    def _is_new(self, topic: str, risk: str) -> bool:
        with self._lock:
            known = len(self._said)
            self._said.add((topic, risk))
            return len(self._said) > known


def _risks(one: Subscription, input_topic: str, actual: dict[str, ActualTopic]) -> Iterator[tuple[str, str]]:
    for name in sorted(actual):
        if (risk := replica_risk(actual[name].config)) is not None:
            yield name, risk
    if one.http is not None and input_topic in actual:
        for risk in age_risks(actual[input_topic].config, one.http.max_age_s):
            yield input_topic, risk
