"""Appending to the registry: one writer at a time, and the brokers see to it.

Shape   RegistryLog(cluster): open() takes over, append(records) writes all of them or none; close(). All block
Fence   a transaction of a transactional.id that all replicas share. open() initialises it: what a former writer left
        open is aborted, and nothing that it tries from then on is taken. append() returns once the commit is decided
Why     not a claim in the log, as in `cmq.slots`: that log is trimmed, this one is compacted, and compaction knows the
        last record of a key, not who wrote it. A record of a writer that was replaced would be void for every reader,
        and yet push the valid one of its key out of the log; and once the claim's own record is pushed out by the next
        claim, nothing says any more that it was void. To write the valid one again repairs that only as long as some
        gateway is up within the compaction lag. A broker that refuses the record leaves nothing to repair, and readers
        need no rule but read_committed. It costs 3 to 25 ms a change, of which there are few
Errors  KafkaException: nobody knows whether the records are in the log. open() again, read to the end, decide anew
"""

import logging
import re
from collections.abc import Sequence

from confluent_kafka import KafkaException, Producer

from pipeline.asking import ANSWER_S
from pipeline.cluster import Cluster
from pipeline.cmq_registry import REGISTRY_TOPIC
from pipeline.kafka_errors import About

_FENCED = re.compile(r"fenced by (a )?newer")
"""As the client says it, and as the brokers do."""

log = logging.getLogger(__name__)


class _Replaced(logging.Filter):
    """A client tells as fatal that another writer has replaced it; so it is meant, and nothing has to be done."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Say that as what it is."""
        if record.levelno > logging.INFO and _FENCED.search(record.getMessage()):
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        return True


_client_log = logging.getLogger(f"{__name__}.client")
_client_log.addFilter(_Replaced())

IDS = "cmq-gateway."
"""What the transactional id begins with; the topic's name follows."""

AppendedRecord = tuple[bytes, bytes | None]
"""Key and value; no value: the key is free."""


class RegistryLog:
    """The registry's writer. One thread at a time may call, but for those that are stuck in a call and left behind."""

    def __init__(self, cluster: Cluster, topic: str = REGISTRY_TOPIC) -> None:
        self._cluster = cluster
        self._topic = topic
        self.about = About((topic,), transactional_id=f"{IDS}{topic}")
        """What a refusal is about."""

        self._producer: Producer | None = None
        self._opened = 0
        """Tells a call that was left behind that it is."""

    def open(self) -> None:
        """Take over from whoever wrote before.

        Raises:
            KafkaException: no answer, or no right to.
        """
        self.close()
        self._opened += 1
        opened = self._opened
        more = {"logger": _client_log, "linger.ms": 0}
        producer = Producer(self._cluster.transactional_config(self.about.transactional_id, **more))
        producer.init_transactions(ANSWER_S)
        if opened == self._opened:  # else nobody reads the log before this one would write: it has shut out who did
            self._producer = producer

    def append(self, records: Sequence[AppendedRecord]) -> None:
        """Write them all, or none.

        Raises:
            KafkaException: of an unknown outcome, unless somebody else has opened the log.
        """
        producer, opened = self._producer, self._opened
        if producer is None:
            raise RuntimeError("the log is not open")
        self._producer = None  # until all has gone well
        producer.begin_transaction()
        for key, value in records:
            producer.produce(self._topic, value, key, 0)
        producer.commit_transaction(ANSWER_S)
        if opened == self._opened:
            self._producer = producer

    def close(self) -> None:
        """Let go of the client; what is open is aborted by whoever opens next, or by time."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            producer.close()
        except KafkaException as error:
            log.info("registry_log_close", extra={"error": str(error)})
