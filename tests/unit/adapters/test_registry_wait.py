"""A registry that gives no answer is waited for: alive, not ready, until it answers or the process stops."""

import logging

import pytest

from adapters import registry_wait
from adapters.registry_wait import RegistryWait, StoppedWaitingError
from pipeline.errors import PipelineError
from pipeline.health import Vital
from pipeline.stop import StopRequest
from schemas.avro import LATEST, WrittenSchema
from schemas.errors import AvroDecodeError
from schemas.events import Family

SCHEMA = LATEST[Family.JOB]
SILENT = PipelineError("schema registry at http://r: schema id 7: Connection refused")


class Rig:
    """A registry that answers so, one after the other."""

    def __init__(self, *answers: WrittenSchema | Exception) -> None:
        self.answers = list(answers)
        self.stop = StopRequest(1.0)
        self.vital = Vital("job-message/billing")
        self.vital.trouble(None)
        self.ready: list[bool] = []
        self.wait = RegistryWait(self._resolve, self.stop, self.vital)

    def _resolve(self, schema_id: int) -> WrittenSchema:
        assert schema_id == 7
        self.ready.append(self.vital.ready)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_wait, "ASK_EVERY_S", 0.001)


def reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(record)["reason"] for record in caplog.records if record.getMessage() == "not_ready"]


def test_an_answer_is_not_waited_for() -> None:
    rig = Rig(SCHEMA)
    assert rig.wait(7) is SCHEMA
    assert rig.vital.ready


def test_it_is_asked_again_until_it_answers_and_meanwhile_not_ready(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(SILENT, SILENT, SILENT, SCHEMA)
    with caplog.at_level(logging.INFO):
        assert rig.wait(7) is SCHEMA
    assert rig.ready == [True, False, False, False]
    assert rig.vital.ready
    assert reasons(caplog) == [str(SILENT)], "said once, not at every turn"
    assert [record.getMessage() for record in caplog.records][-1] == "registry_answers"


def test_that_it_has_no_such_schema_is_an_answer() -> None:
    rig = Rig(SILENT, AvroDecodeError("schema id 7 is unknown to the registry"))
    with pytest.raises(AvroDecodeError, match="unknown"):
        rig.wait(7)
    assert rig.vital.ready


def test_a_process_that_stops_does_not_wait() -> None:
    rig = Rig(SILENT, SILENT)
    rig.stop.request()
    with pytest.raises(StoppedWaitingError, match="schema id 7"):
        rig.wait(7)
    assert len(rig.answers) == 1


def test_who_needs_what_is_known_meanwhile_does_not_end_the_trouble() -> None:
    """The event loop has the schemas of what it delivers, while the subscription's thread waits for another."""
    rig = Rig(SILENT, SILENT)
    ready: list[bool] = []

    def resolve(schema_id: int) -> WrittenSchema:
        if schema_id == 8:
            return SCHEMA
        if len(rig.answers) == 1:
            assert wait(8) is SCHEMA
            ready.append(rig.vital.ready)
            rig.stop.request()
        return rig._resolve(schema_id)

    wait = RegistryWait(resolve, rig.stop, rig.vital)
    with pytest.raises(StoppedWaitingError):
        wait(7)
    assert ready == [False]
