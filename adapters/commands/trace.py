"""`batch-events trace`: why an event did not arrive at a subscription, or when it did."""

import argparse
import os
import time
from collections.abc import Iterator

from adapters.commands.run import chosen
from adapters.iso_time import time_ms
from adapters.registry_extra import registry_of
from adapters.settings_faults import SettingsError
from adapters.settings_file import load_settings
from adapters.trace_facts import MOST, Event, Found, Investigation, Question
from pipeline.cluster import Cluster
from pipeline.held_record import REDRIVE
from pipeline.stop import ExitStatus
from pipeline.subscription import Subscription
from pipeline.topics import event_topic
from pipeline.trace_record import DEAD_LETTER, TraceEntry
from pipeline.verdict import shown_time, verdict
from schemas.avro import no_registry

NAME = "trace"
HELP = "Tell why an event did not arrive at a subscription, or when and by which attempt it did."
EXAMPLES = """\
  batch-events trace job-message/billing --job job-97zcl3wt
  batch-events trace job-message/billing --event-id 0d4cf5a0b1c2d3e4f5061728394a5b6c
  batch-events trace job-message/billing --since 2026-01-02T03:00:00Z --until 2026-01-02T03:05:00Z
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which events of which subscription."""
    parser.add_argument("subscription", metavar="TOPIC/NAME", help="who should have got them")
    parser.add_argument("--event-id", metavar="ID", help="the event with this id (header ce_id)")
    parser.add_argument("--job", metavar="ID", help="the events of this JobId or EnvId")
    parser.add_argument("--since", metavar="TIME", type=time_ms, help="published then or later (ISO 8601)")
    parser.add_argument("--until", metavar="TIME", type=time_ms, help="published before then (ISO 8601)")


def run(args: argparse.Namespace) -> ExitStatus:
    """Each event, oldest first, with its attempts and a verdict."""
    if args.event_id is None and args.job is None and args.since is None:
        raise SettingsError(["trace: which events? One of --event-id, --job and --since at least"])
    settings = load_settings(args.config, os.environ)
    subscription = chosen(settings, [args.subscription])[0]
    registry = registry_of(settings)
    question = Question(_bytes(args.event_id), _bytes(args.job), args.since, args.until)
    resolve = no_registry if registry is None else registry.resolve
    prefix = settings.topics.prefix
    asked = Investigation(Cluster(settings.kafka), prefix, subscription, resolve, question)
    found = asked.run(time.time_ns() // 1_000_000)
    topic = event_topic(subscription.topic_name, prefix)
    for one in found:
        print("\n".join(_lines(one, topic)))
    for line in _remarks(asked, subscription, topic, len(found)):
        print(line)
    return ExitStatus.FINE


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _lines(found: Found, topic: str) -> Iterator[str]:
    yield _headline(found.event, topic)
    for entry in found.facts.entries:
        yield f"  {_attempt(entry)}"
    yield f"  => {verdict(found.facts)}"


def _headline(event: Event, topic: str) -> str:
    key = "no key" if event.key is None else event.key.decode("utf-8", "replace")
    an_id = event.event_id.decode("utf-8", "replace") or "-"
    published = "?" if event.published_ms is None else shown_time(event.published_ms)
    where = f"{topic} {event.partition}:{event.offset}"
    name = event.name or ("(free text)" if event.text else "(not readable)")
    return f"{name}  {key}  id {an_id}  {where}  published {published}"


def _attempt(entry: TraceEntry) -> str:
    redrive = "redrive, " if entry.source == REDRIVE else ""
    number = "" if entry.outcome == DEAD_LETTER else f"attempt {entry.attempt}"
    parts = [
        shown_time(entry.time_ms),
        f"{redrive}{number}",
        entry.outcome,
        "" if entry.status is None else f"status {entry.status}",
        "" if entry.reason in {None, f"status {entry.status}"} else str(entry.reason),
        "" if entry.duration_ms is None else f"{entry.duration_ms:g} ms",
        "" if entry.next_try_ms is None else f"next try {shown_time(entry.next_try_ms)}",
    ]
    return "  ".join(part for part in parts if part)


def _remarks(asked: Investigation, one: Subscription, topic: str, count: int) -> Iterator[str]:
    if not count:
        yield f"no such event: {topic} does not hold it, and neither dead letters nor trace of {one.label} know it"
    else:
        yield f"{count} events, as {one.label} saw them"
    if asked.more:
        yield f"there are more than these {MOST}: ask for fewer, by --job, --since and --until"
    if one.http is not None and not one.http.trace:
        yield f"attempts of {one.label} are not recorded: it has no `trace: true`"
    elif asked.untraced is not None:
        yield f"attempts could not be read: {asked.untraced}"
