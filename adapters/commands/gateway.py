"""`batch-events gateway`: serve the CMQ API until SIGTERM or SIGINT."""

import argparse
import os

from adapters import interpreter
from adapters.descriptor_limit import raise_limit
from adapters.gateway.serving import Serving
from adapters.process import leave, watch_signals, watch_threads
from adapters.settings_faults import SettingsError
from adapters.settings_file import load_settings
from pipeline.stop import ExitStatus, StopRequest

NAME = "gateway"
HELP = "Serve the CMQ API to CMQ's own clients, any number of replicas behind one address."
EXAMPLES = """\
  batch-events gateway
  batch-events gateway --config gateway.yaml --log-format json
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""
    del parser


def run(args: argparse.Namespace) -> ExitStatus:
    """Run the process; the first signal asks it to stop, the second ends it at once."""
    settings = load_settings(args.config, os.environ)
    if settings.gateway is None:
        raise SettingsError(["gateway: is missing; allowed: a mapping with keys, SecretId: ${NAME}"])
    stop = StopRequest(settings.stop_grace_s)
    watch_signals(stop)
    watch_threads(stop)
    raise_limit()
    try:
        serving = Serving(settings, settings.gateway, stop)
        interpreter.settle()
        return leave(serving.run())
    except OSError as error:
        raise SettingsError([f"http.listen, gateway.listen or gateway.internal: {error.strerror}"]) from error
