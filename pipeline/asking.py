"""Asking the brokers something that must be known before anything else: again while leaders and coordinators move.

Shape   ask(cluster, question, on_trouble) -> the answer
Errors  PipelineError: the answer is no, or there was none in ANSWERS_S, which is as long as a group callback may last
"""

import time
from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from pipeline.cluster import Cluster
from pipeline.kafka_errors import NOTHING, About, is_passing, kafka_error

ANSWER_S = 10.0
"""How long one question may take."""

ANSWERS_S = 120.0
ASK_AGAIN_S = 0.5

Answer = TypeVar("Answer")


def ask(
    cluster: Cluster,
    question: Callable[[], Answer],
    on_trouble: Callable[[KafkaError], None],
    about: About = NOTHING,
) -> Answer:
    """Call until there is an answer; on_trouble hears each time that there was none."""
    until_s = time.monotonic() + ANSWERS_S
    while True:
        try:
            return question()
        except KafkaException as error:
            inner = kafka_error(error)
            if time.monotonic() >= until_s or not (inner.retriable() or is_passing(error)):
                raise cluster.explain(error, about) from error
            on_trouble(inner)
            time.sleep(ASK_AGAIN_S)
