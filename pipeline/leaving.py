"""A consumer that ends leaves its group, so that the others need not wait until its session has expired.

Shape   leave(consumer, config) instead of consumer.close(); blocks, for LEAVE_S at most where a rebalance is going on
Why     librdkafka's close() leaves a group of the classic protocol only where it has partitions to give back (seen with
        2.16.0): a member without any, or one that is about to be given some, stays until its session has expired, 6 s
        unless configured, and each rebalance waits for it
Errors  what the callbacks of a revocation raise, when the consumer is closed: librdkafka waits for good, in close() as
        well, for one of them to unassign, so that is done where none has
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaException

from pipeline.client_properties import INSTANCE_ID
from pipeline.kafka_errors import describe, kafka_error

log = logging.getLogger(__name__)

LEAVE_S = 2.5
"""A rebalance is over when each member has heard of it, by a heartbeat, which is sent every 2 s unless configured."""

_POLL_S = 0.02


def leave(consumer: Consumer, config: Mapping[str, Any]) -> None:
    """Leave, and close; a static member stays one, as it is meant to.

    Args:
        config: what the consumer was made with.
    """
    if config["group.protocol"] != "classic" or INSTANCE_ID in config:
        consumer.close()
        return
    left = False
    try:
        left = _unsubscribe(consumer, str(config["group.id"]))
    finally:
        if not left:
            _unassign(consumer, config)
        consumer.close()


def _unsubscribe(consumer: Consumer, group: str) -> bool:
    try:
        consumer.unsubscribe()
    except KafkaException as error:
        log.info("group_not_left", extra={"group": group, "error": describe(kafka_error(error))})
        return False
    until_s = time.monotonic() + LEAVE_S
    while consumer.memberid():
        if time.monotonic() > until_s:
            log.info("group_not_left", extra={"group": group, "error": f"a rebalance took more than {LEAVE_S:g} s"})
            return False
        consumer.poll(_POLL_S)  # whatever comes is nobody's any more
    return True


def _unassign(consumer: Consumer, config: Mapping[str, Any]) -> None:
    try:
        if "cooperative" in str(config.get("partition.assignment.strategy", "")):
            consumer.incremental_unassign(consumer.assignment())
        else:
            consumer.unassign()
    except KafkaException as error:
        log.info("group_not_left", extra={"group": config["group.id"], "error": describe(kafka_error(error))})
