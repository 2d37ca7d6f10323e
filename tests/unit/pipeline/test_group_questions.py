"""Questions to a coordinator, and what becomes of a client that does not answer them."""

from concurrent.futures import Future
from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from pipeline.group_questions import answer
from pipeline.shared_admin import SharedAdmin

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient


def shared() -> SharedAdmin:
    return SharedAdmin(lambda: cast("AdminClient", object()))


def test_a_client_that_does_not_answer_is_not_asked_again() -> None:
    admin = shared()
    former = admin.client()
    silent: Future[int] = Future()
    with pytest.raises(KafkaException):
        answer(admin, lambda _: silent, 0.01)
    assert admin.client() is not former


def test_one_that_answers_stays_also_where_the_answer_is_no() -> None:
    admin = shared()
    former = admin.client()
    told, refused = Future[int](), Future[int]()
    told.set_result(7)
    refused.set_exception(KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)))
    assert answer(admin, lambda _: told, 1.0) == 7
    with pytest.raises(KafkaException):
        answer(admin, lambda _: refused, 1.0)
    assert admin.client() is former
