"""`batch-events dead-letters`: what could not be delivered to a subscription, why, and sending it again."""

import argparse
import math
import os

from adapters.commands.run import chosen
from adapters.iso_time import time_ms
from adapters.letters import Letter, LetterFilter
from adapters.pace import LEAST
from adapters.provision import TopicAdmin
from adapters.redrive import Redrive
from adapters.registry_extra import registry_of
from adapters.settings_faults import SettingsError
from adapters.settings_file import load_settings
from adapters.topic_reader import read_topic
from pipeline.cluster import Cluster
from pipeline.errors import PipelineError, TopicMissingError
from pipeline.stop import ExitStatus
from pipeline.subscription import Subscription
from pipeline.topics import dead_letter_topic, redrive_spec, redrive_topic
from schemas.avro import ResolveId, no_registry
from schemas.events import canonical_event_name

NAME = "dead-letters"
HELP = "Show the dead letters of a subscription, or send them again, once each."
EXAMPLES = """\
  batch-events dead-letters list job-message/billing
  batch-events dead-letters show job-message/billing --key job-97zcl3wt
  batch-events dead-letters redrive job-message/billing --reason "status 503" --dry-run
  batch-events dead-letters redrive job-message/billing --since 2026-01-02T03:00:00Z --rate 50
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, with which of whose letters."""
    parser.add_argument(
        "action", choices=("list", "show", "redrive"), help="a line each, everything about each, or send them again"
    )
    parser.add_argument("subscription", metavar="TOPIC/NAME", help="whose dead letters")
    parser.add_argument("--key", metavar="ID", help="only those of this JobId or EnvId")
    parser.add_argument("--event", metavar="NAME", type=_event, help="only those of this event")
    parser.add_argument("--reason", metavar="TEXT", help="only those whose reason holds this text")
    parser.add_argument("--since", metavar="TIME", type=time_ms, help="only those written then or later (ISO 8601)")
    parser.add_argument("--until", metavar="TIME", type=time_ms, help="only those written before then (ISO 8601)")
    parser.add_argument("--dry-run", action="store_true", help="redrive: only say what would be sent again")
    parser.add_argument("--rate", metavar="N", type=_rate, help="redrive: at most N a second, which may be below 1")


def _event(text: str) -> str:
    if (name := canonical_event_name(text)) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not an event name (such as JOB_FAILED)")
    return name


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not LEAST <= rate < math.inf:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no rate: must be a number of letters a second, at least {LEAST:g}"
        )
    return rate


def run(args: argparse.Namespace) -> ExitStatus:
    """Show them, oldest first in each partition, or redrive them."""
    if args.action != "redrive" and (args.dry_run or args.rate is not None):
        raise SettingsError(
            [f"{'--dry-run' if args.dry_run else '--rate'}: is about redrive, and this is {args.action}"]
        )
    settings = load_settings(args.config, os.environ)
    subscription = chosen(settings, [args.subscription])[0]
    registry = registry_of(settings)
    resolve = no_registry if registry is None else registry.resolve
    meant = LetterFilter(args.since, args.until, args.key, args.event, args.reason)
    cluster = Cluster(settings.kafka)
    if args.action == "redrive":
        return _redrive(args, cluster, subscription, meant, resolve)
    count = 0
    for message in read_topic(cluster, dead_letter_topic(subscription.topic_name, subscription.name)):
        letter = Letter(message, resolve)
        if meant.takes(letter):
            count += 1
            print(letter.line() if args.action == "list" else letter.whole())
    if args.action == "list":
        print(f"{count} dead letters of {args.subscription}")
    return ExitStatus.FINE


def _redrive(
    args: argparse.Namespace, cluster: Cluster, subscription: Subscription, meant: LetterFilter, resolve: ResolveId
) -> ExitStatus:
    if not args.dry_run:
        _create_topic(cluster, subscription)
    redrive = Redrive(cluster, subscription.topic_name, subscription.name)
    count = 0
    for message in redrive.run(lambda one: meant.takes(Letter(one, resolve)), args.rate, dry=args.dry_run):
        count += 1
        print(Letter(message, resolve).line())
    verb = "would be sent again" if args.dry_run else "sent again"
    print(f"{count} dead letters of {args.subscription} {verb}")
    return ExitStatus.FINE


def _create_topic(cluster: Cluster, subscription: Subscription) -> None:
    """The redrive topic comes into being with the first redrive, as the dead-letter topic is."""
    admin = TopicAdmin(cluster)
    source = dead_letter_topic(subscription.topic_name, subscription.name)
    topic = redrive_topic(subscription.topic_name, subscription.name)
    actual = admin.actual([source, topic])
    if source not in actual:
        raise cluster.topic_refused([source]) or TopicMissingError(source)
    if topic in actual:
        return
    if (refused := cluster.topic_refused([topic])) is not None:
        raise refused
    like = actual[source]
    failures = admin.create([redrive_spec(topic, like.partitions, like.replication_factor)])
    if failures[topic] is not None:
        raise PipelineError(f"{topic}: not created: {failures[topic]}")
