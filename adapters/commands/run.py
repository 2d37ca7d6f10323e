"""`batch-events run`: deliver until SIGTERM or SIGINT."""

import argparse
import logging
import os

from adapters import interpreter, telemetry
from adapters.logs import LineWriter
from adapters.named import named, of_file
from adapters.process import leave, watch_signals, watch_threads
from adapters.registry_extra import registry_of
from adapters.settings import Settings
from adapters.settings_faults import SettingsError
from adapters.settings_file import load_settings
from adapters.wiring import Delivering
from pipeline.stop import ExitStatus, StopRequest
from pipeline.subscription import Subscription
from schemas.avro import ResolveId, no_registry

log = logging.getLogger(__name__)

NAME = "run"
HELP = "Deliver the configuration's subscriptions until SIGTERM or SIGINT."
EXAMPLES = """\
  batch-events run
  batch-events run --subscription job-message/billing --log-format json
"""

TELEMETRY_S = 2.0
"""Of what is left of the grace period, the most that the last spans may take."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """--subscription."""
    parser.add_argument(
        "--subscription",
        action="append",
        metavar="TOPIC/NAME",
        help="deliver this one only, of the file or made at run time; may be given more than once",
    )


def run(args: argparse.Namespace) -> ExitStatus:
    """Run the process; the first signal asks it to stop, the second ends it at once."""
    settings = load_settings(args.config, os.environ)
    configured = of_file(settings)
    subscriptions = [one for one in chosen(settings, args.subscription) if one.label in configured]
    end_telemetry = telemetry.set_up()
    stop = StopRequest(settings.stop_grace_s)
    watch_signals(stop)
    watch_threads(stop)
    try:
        delivering = Delivering(settings, subscriptions, stop, _writer(), _resolver(settings), args.subscription)
    except OSError as error:
        raise SettingsError([f"http.listen: {settings.http.listen!r}: {error.strerror}"]) from error
    interpreter.settle()
    status = delivering.run()
    end_telemetry(min(TELEMETRY_S, stop.left_s()))
    return leave(status)


def chosen(settings: Settings, labels: list[str] | None) -> list[Subscription]:
    """The subscriptions to deal with; all of the file's where none is named.

    Raises:
        SettingsError: a label that neither the configuration nor the registry has.
    """
    return list(of_file(settings).values()) if not labels else named(settings, labels)


def _writer() -> LineWriter | None:
    return next((handler for handler in logging.getLogger().handlers if isinstance(handler, LineWriter)), None)


def _resolver(settings: Settings) -> ResolveId:
    registry = registry_of(settings)
    if registry is None:
        return no_registry
    log.info("schema_registry", extra={"schemas_known": registry.known()})
    return registry.resolve
