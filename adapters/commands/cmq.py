"""`batch-events cmq`: CMQ's own queues, topics and subscriptions, through a running gateway.

Shape   cmq KIND VERB …: what cmq_shell/ has. Everything is a call of the CMQ API, so the gateway's checks, quotas and
        rights are the ones that hold
Exit    1 with `code, message` where the gateway refuses; 2 where none answers
"""

import argparse
import os
import sys

from adapters.cmq_shell import queues, subscriptions, topics
from adapters.cmq_shell.client import CmqClient, CmqRefusedError, place_of
from adapters.commands.options import add_common
from adapters.settings import GatewaySettings
from adapters.settings_faults import SettingsError
from adapters.settings_file import load_settings
from pipeline.stop import ExitStatus

NAME = "cmq"
HELP = "Manage CMQ's own queues, topics and subscriptions, through a running gateway."
EXAMPLES = """\
  batch-events cmq queues list --counts
  batch-events cmq queues create orders --visibility-timeout 60 --rewind-seconds 3600
  batch-events cmq queues rewind orders --to 2026-01-02T03:00:00Z
  batch-events cmq topics create prices --filter-type binding-keys
  batch-events cmq subscriptions create prices/to-orders --protocol queue --endpoint orders --binding-key eu.#
  batch-events cmq subscriptions show prices/to-orders --gateway http://cmq.example.com
"""

KINDS = (queues, topics, subscriptions)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Of what kind, and what to do."""
    kinds = parser.add_subparsers(title="kinds", metavar="KIND", required=True)
    for kind in KINDS:
        verbs = kinds.add_parser(kind.KIND, help=kind.HELP, description=kind.HELP).add_subparsers(
            title="verbs", metavar="VERB", required=True
        )
        for verb in kind.VERBS:
            one = verbs.add_parser(verb.name, help=verb.help, description=verb.help)
            verb.arguments(one)
            where = one.add_argument_group("which gateway, as whom")
            where.add_argument("--gateway", metavar="URL", help="where it is (default: where gateway.listen says)")
            where.add_argument(
                "--secret-id", metavar="AKID…", help="sign with this key of gateway.keys (default: the first that may)"
            )
            add_common(where, below=True)
            one.set_defaults(verb=verb, parser=one)


def run(args: argparse.Namespace) -> ExitStatus:
    """Ask the gateway, and print what it says."""
    settings = load_settings(args.config, os.environ)
    if settings.gateway is None:
        raise SettingsError(["gateway: is missing; allowed: a mapping with keys, SecretId: ${NAME}"])
    client = _client(settings.gateway, args)
    try:
        for line in args.verb.run(args, client.call):
            print(line)
    except CmqRefusedError as error:
        print(f"batch-events: {error}", file=sys.stderr)
        return ExitStatus.INPUT_REFUSED
    finally:
        client.close()
    return ExitStatus.FINE


def _client(gateway: GatewaySettings, args: argparse.Namespace) -> CmqClient:
    specs = gateway.key_specs()
    if args.secret_id is not None:
        specs = tuple(spec for spec in specs if spec.secret_id == args.secret_id)
    if not specs:
        raise SettingsError([f"--secret-id: {args.secret_id!r} is none of gateway.keys"])
    try:
        return CmqClient(place_of(gateway, args.gateway), specs)
    except ValueError as error:
        raise SettingsError([f"--gateway: {args.gateway!r}: {error}"]) from None
