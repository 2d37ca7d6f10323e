"""`batch-events check`: read the configuration, say everything that is wrong with it; --online asks Kafka too."""

import argparse
import os

from adapters.online_check import online
from adapters.settings import HttpSubscriptionSettings, Settings
from adapters.settings_faults import SettingsError, value_at
from adapters.settings_file import load_shown
from pipeline.stop import ExitStatus

NAME = "check"
HELP = "Read the configuration; print everything that is wrong with it, one line each."
EXAMPLES = """\
  batch-events check
  batch-events check --online
  batch-events check --config /etc/batch-events/batch-events.yaml
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """--online."""
    parser.add_argument(
        "--online",
        action="store_true",
        help="ask the brokers and the schema registry too, and change nothing; 1 if something is missing or refused",
    )


def run(args: argparse.Namespace) -> ExitStatus:
    """Print the faults, or what the file amounts to."""
    try:
        settings, shown = load_shown(args.config, os.environ)
    except SettingsError as error:
        print("\n".join(error.faults))
        return ExitStatus.USAGE
    print(f"ok: {len(settings.subscriptions)} subscriptions, brokers {settings.kafka['bootstrap.servers']}")
    for index, one in enumerate(settings.subscriptions):
        endpoint = value_at(shown, ("subscriptions", index, "endpoint"))  # as written: a reference may be a secret
        traced = ", each attempt traced" if isinstance(one, HttpSubscriptionSettings) and one.trace else ""
        print(f"  {one.topic}/{one.name}: {one.protocol} -> {endpoint}{traced}")
    return _online(settings) if args.online else ExitStatus.FINE


def _online(settings: Settings) -> ExitStatus:
    """One line for each thing that was asked."""
    status = ExitStatus.FINE
    for finding in online(settings):
        print(finding.line)
        if not finding.fine:
            status = ExitStatus.INPUT_REFUSED
    return status
