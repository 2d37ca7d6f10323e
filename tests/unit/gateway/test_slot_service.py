"""What Kafka does not answer a slot's owner is a row for whoever asked, here and on another replica."""

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.peers.peer_messages import CountsRequest, RewindRequest, SlotRequest
from adapters.gateway.peers.slot_service import SlotService
from pipeline.errors import PipelineError
from tests.unit.gateway.slot_rig import queue_entry

if TYPE_CHECKING:
    from adapters.gateway.slot_ports import Slot


class Unanswered:
    """A slot whose owner hears nothing of Kafka."""

    async def counts(self, _entry: object) -> None:
        raise PipelineError("no broker answers")

    async def rewind(self, _entry: object, _start_s: int) -> None:
        raise PipelineError("no broker answers")


@pytest.mark.parametrize("request_", [CountsRequest("q", "t"), RewindRequest("q", "t", 0)])
def test_no_answer_of_kafka_is_an_internal_error_and_nothing_else(
    request_: SlotRequest, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(CmqError) as refused:
        asyncio.run(SlotService.of_slot(cast("Slot", Unanswered()), queue_entry(), request_))
    assert refused.value.row is Row.INTERNAL
    (record,) = caplog.records
    assert record.message == "slot_request_failed"
    assert record.exc_info is None
