"""`batch-events rewind`: a subscription's events again from a time on, or none of those before it."""

import argparse
import os
import time

from adapters.commands.run import chosen
from adapters.iso_time import time_ms
from adapters.rewind import Rewind, Target
from adapters.settings_file import load_settings
from pipeline.cluster import Cluster
from pipeline.rewinding import Rewound
from pipeline.stop import ExitStatus
from pipeline.subscription import Start, Subscription
from pipeline.topics import event_topic

NAME = "rewind"
HELP = "Send a subscription's events again from a time on; --skip gives up what is pending from before."
EXAMPLES = """\
  batch-events rewind job-message/billing --to 2026-01-02T03:00:00Z --dry-run
  batch-events rewind job-message/billing --to 2026-01-02T03:00:00Z
  batch-events rewind job-message/billing --to latest --skip
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Whose events, from when on."""
    parser.add_argument("subscription", metavar="TOPIC/NAME", help="whose events; no process may be delivering them")
    parser.add_argument(
        "--to",
        metavar="TIME",
        type=_start,
        required=True,
        help="events published then or later (ISO 8601) are sent again; or earliest, latest",
    )
    parser.add_argument(
        "--skip", action="store_true", help="give up what was published before and is not delivered yet"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would become of each partition")


def _start(text: str) -> Start:
    return Start(text) if text in {"earliest", "latest"} else Start("time", time_ms(text))


def run(args: argparse.Namespace) -> ExitStatus:
    """Do it, or say what it would do: a line a partition, and the sum."""
    settings = load_settings(args.config, os.environ)
    subscription = chosen(settings, [args.subscription])[0]
    rewind = Rewind(Cluster(settings.kafka), subscription, event_topic(subscription.topic_name, settings.topics.prefix))
    target = Target(args.to, args.skip)
    if args.dry_run:
        _tell(subscription, rewind.plan(target), "would be")
        if members := rewind.members():
            print(f"the group has {members} members now: without --dry-run this is refused while it has any")
    else:
        _tell(subscription, rewind.run(target), "are")
    _tell_consequences(subscription, target)
    return ExitStatus.FINE


def _tell(subscription: Subscription, decided: dict[int, Rewound], verb: str) -> None:
    for partition, one in decided.items():
        print(f"partition {partition}: {_line(one)}")
    again, given_up = (sum(getattr(one, name) for one in decided.values()) for name in ("again", "given_up"))
    print(f"at most {again} events of {subscription.label} {verb} sent again, {given_up} {verb} given up")


def _line(one: Rewound) -> str:
    move = f"{one.before} -> {one.offset}" if one.offset != one.before else f"{one.before} stays"
    parts = [f"at most {one.again} again"]
    if one.given_up:
        parts.append(f"{one.given_up} given up")
    if one.released:
        parts.append(f"{len(one.released)} held keys released")
    if one.kept:
        parts.append(f"{one.kept} keys stay held")
    return f"{move}, {', '.join(parts)}"


def _tell_consequences(subscription: Subscription, target: Target) -> None:
    """What people are surprised by."""
    if subscription.http is None:
        print(f"queue {subscription.queue_name}: what is sent again lies there twice, with the same msgId")
        return
    oldest_ms = (time.time() - subscription.http.max_age_s) * 1000
    if target.at.at == "earliest" or (target.at.time_ms is not None and target.at.time_ms < oldest_ms):
        print(f"events older than max_age_s, {subscription.http.max_age_s:g} s, go to the dead letters unattempted")
