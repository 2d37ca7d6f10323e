"""`batch-events publish`: lifecycle changes, JSON lines, to Kafka."""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO

from adapters import telemetry
from adapters.registry_extra import registry_of
from adapters.settings import Settings
from adapters.settings_faults import SettingsError
from adapters.settings_file import load_settings
from pipeline.change_lines import parse_line
from pipeline.errors import ChangeError, DeliveryFailedError, TopicMissingError, TopicRefusedError
from pipeline.producer import LifecycleProducer, ProducerSettings
from pipeline.stop import ExitStatus
from schemas.errors import AvroEncodeError, Fault, NotificationsError
from schemas.notifications import Notification, parse_notifications

NAME = "publish"
HELP = "Publish lifecycle changes, JSON lines, to Kafka."
EXAMPLES = """\
  batch-events publish changes.jsonl --notifications submit-job.json
  batch-events simulate --jobs 10 --seed 1 | batch-events publish --notifications submit-job.json
  echo '{"Region": "ap-guangzhou", "Time": "2026-01-02T03:04:05Z", "Before": "STARTING", "After": "RUNNING",
         "Job": {"JobId": "job-97zcl3wt", "JobName": "test job"},
         "Notifications": [{"TopicName": "job-message", "EventConfigs": [{"EventName": "JOB_RUNNING"}]}]}' |
      tr -d '\\n' | batch-events publish
"""

PROGRESS_EVERY_S = 1.0
TELEMETRY_S = 5.0
CLEAR_LINE = "\r\x1b[K"
NO_ANSWER = "no broker said in time whether it has it; publish it again, its id is the same"


def arguments(parser: argparse.ArgumentParser) -> None:
    """FILE and --notifications."""
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="JSON lines; absent or -: standard input")
    parser.add_argument(
        "--notifications",
        metavar="FILE",
        help="for lines without their own: a list, or a SubmitJob or CreateComputeEnv request, as JSON",
    )


def run(args: argparse.Namespace) -> ExitStatus:
    """Publish every good line; name every bad one; count what was acknowledged, whatever happens."""
    settings = load_settings(args.config, os.environ)
    notifications = _read_notifications(args.notifications)
    end_telemetry = telemetry.set_up()
    with _open(args.file) as lines:
        publishing = _Publishing(_producer(settings), notifications, args.file, sys.stderr)
        try:
            publishing.all(lines)
        finally:
            publishing.end()
            end_telemetry(TELEMETRY_S)
        return publishing.status


def _producer(settings: Settings) -> LifecycleProducer:
    registry = registry_of(settings)
    ids = None if registry is None else registry.ids()
    return LifecycleProducer(ProducerSettings(settings.kafka, settings.topics.prefix, registry_ids=ids))


def _open(path: str) -> BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}"]) from None


def _read_notifications(path: str | None) -> tuple[Notification, ...] | None:
    if path is None:
        return None
    try:
        return parse_notifications(json.loads(Path(path).read_bytes()))
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}"]) from None
    except NotificationsError as error:
        raise SettingsError([f"{path}: {fault}" for fault in error.faults]) from None
    except (ValueError, RecursionError) as error:
        raise SettingsError([f"{path}: not JSON: {error}"]) from None


class _Publishing:
    """Counts what becomes of the lines."""

    def __init__(
        self,
        producer: LifecycleProducer,
        notifications: tuple[Notification, ...] | None,
        source: str,
        out: TextIO,
    ) -> None:
        self._producer = producer
        self._notifications = notifications
        self._source = source
        self._out = out
        self._lines = self._acknowledged = self._silent = 0
        self._bad_lines: set[int] = set()
        self._waiting: Counter[int] = Counter()
        self._progress = out.isatty()
        self._told_s = time.monotonic()

    @property
    def status(self) -> ExitStatus:
        """Whether something was refused."""
        return ExitStatus.INPUT_REFUSED if self._bad_lines else ExitStatus.FINE

    def all(self, lines: BinaryIO) -> None:
        """Publish the lines."""
        for number, line in self._numbered(lines):
            try:
                self._one(number, line)
            except (ChangeError, NotificationsError) as error:
                self._refuse(number, error.faults)
            except (AvroEncodeError, TopicMissingError, TopicRefusedError, DeliveryFailedError) as error:
                self._refuse(number, [Fault("line", "InvalidParameterValue", str(error))])
            self._tell_progress()

    def _numbered(self, lines: BinaryIO) -> Iterator[tuple[int, bytes]]:
        for number, line in enumerate(lines, 1):
            if line.strip():
                self._lines += 1
                yield number, line

    def _one(self, number: int, line: bytes) -> None:
        parsed = parse_line(line)
        notifications = self._notifications if parsed.notifications is None else parsed.notifications
        if notifications is None:
            reason = "the line has none, and --notifications names no file"
            raise ChangeError([Fault("Notifications", "MissingParameter", reason)])
        count = self._producer.publish(parsed.change, notifications, partial(self._reported, number))
        self._wait_for(number, count)
        self._silent += count == 0

    def _wait_for(self, number: int, count: int) -> None:
        """Acknowledgements of a line; some may have come before publish returned."""
        self._waiting[number] += count
        if self._waiting[number] == 0:
            del self._waiting[number]

    def _reported(self, number: int, failure: str | None) -> None:
        self._wait_for(number, -1)
        if failure is None:
            self._acknowledged += 1
        else:
            self._refuse(number, [Fault("line", "NotAcknowledged", failure)])

    def _refuse(self, number: int, faults: list[Fault]) -> None:
        self._bad_lines.add(number)
        if self._progress:
            print(CLEAR_LINE, end="", file=self._out)
        for fault in faults:
            print(f"{self._source}:{number}: {fault}", file=self._out)

    def _tell_progress(self) -> None:
        if self._progress and time.monotonic() - self._told_s >= PROGRESS_EVERY_S:
            self._told_s = time.monotonic()
            told = f"{self._lines} lines read, {self._acknowledged} records acknowledged"
            print(f"{CLEAR_LINE}{told}", end="", file=self._out, flush=True)

    def end(self) -> None:
        """Wait for the acknowledgements, name the lines that got none, print the summary."""
        try:
            self._producer.close()
        except DeliveryFailedError:
            for number in sorted(number for number, count in self._waiting.items() if count > 0):
                self._refuse(number, [Fault("line", "NotAcknowledged", NO_ANSWER)])
        clear = CLEAR_LINE if self._progress else ""
        print(
            f"{clear}{self._lines} lines read: {self._acknowledged} records published and acknowledged, "
            f"{self._silent} lines that no notification asks for, {len(self._bad_lines)} lines refused",
            file=self._out,
        )
