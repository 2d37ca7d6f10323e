"""Waiting for a schema registry that gives no answer about a new schema.

Shape   RegistryWait(resolve, stop, vital)(schema_id) -> its schema, once there is an answer
Conduct not ready meanwhile, and says why at once and then every SAY_EVERY_S. The subscription's thread stands still:
        nothing is read, settled or committed, the gate of its attempts shuts, and after `max.poll.interval.ms` the
        group takes its partitions away, as from a process that hangs
Judged  to wait, because a record whose schema nobody tells now is no bad record: from the dead letters it would come
        back out of order, and a process that ended would only start and meet it again
Errors  StoppedWaitingError when the process is to stop; AvroDecodeError goes through: that is an answer
"""

import logging
import time

from pipeline.errors import PipelineError
from pipeline.health import Vital
from pipeline.stop import StopRequest
from schemas.avro import ResolveId, WrittenSchema
from schemas.errors import AvroDecodeError

log = logging.getLogger(__name__)

ASK_EVERY_S = 2.0
SAY_EVERY_S = 30.0


class StoppedWaitingError(PipelineError):
    """The process stops before the registry has answered; the record is read again by whoever comes next."""


class RegistryWait:
    """One subscription's view of the registry."""

    def __init__(self, resolve: ResolveId, stop: StopRequest, vital: Vital) -> None:
        self._resolve = resolve
        self._stop = stop
        self._vital = vital
        self._said_s = float("-inf")

    def __call__(self, schema_id: int) -> WrittenSchema:
        """Ask until there is an answer. Another thread may ask meanwhile, and go on with what it needs."""
        waited = False
        while True:
            try:
                schema = self._resolve(schema_id)
            except AvroDecodeError:
                self._answered(waited)
                raise
            except PipelineError as error:
                waited = True
                self._wait(error)
            else:
                self._answered(waited)
                return schema

    def _answered(self, waited: bool) -> None:  # noqa: FBT001  a plain value
        if waited:
            self._vital.trouble(None)
            log.info("registry_answers", extra={"subscription": self._vital.name})

    def _wait(self, error: PipelineError) -> None:
        self._vital.turned()
        self._vital.trouble(str(error))
        now_s = time.monotonic()
        if now_s - self._said_s >= SAY_EVERY_S:
            self._said_s = now_s
            log.error("not_ready", extra={"subscription": self._vital.name, "reason": str(error)})
        if self._stop.wait(ASK_EVERY_S):
            raise StoppedWaitingError(str(error)) from error
