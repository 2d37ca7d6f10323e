"""`batch-events cmq subscriptions`: make, change, look at and delete a topic's subscriptions.

Those of the configuration file are shown, and changed in the file alone: the gateway refuses.
"""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

from adapters.cmq_shell.client import Value
from adapters.cmq_shell.tables import table
from adapters.cmq_shell.verb import Call, Verb, asked, listed, plural, search, told
from adapters.gateway.acting.subscription_settings import FORMATS, STRATEGIES

KIND = "subscriptions"
HELP = "subscriptions of a topic: list, show, create, set, delete, clear-tags"

_COUNTS = {"TO DELIVER": "msgCount"}


class Label(NamedTuple):
    """TOPIC/NAME."""

    topic: str
    name: str


def label(text: str) -> Label:
    """For argparse."""
    topic, slash, name = text.partition("/")
    if not (topic and slash and name) or "/" in name:
        raise argparse.ArgumentTypeError(f"{text!r} is not TOPIC/NAME")
    return Label(topic, name)


def _which(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subscription", type=label, metavar="TOPIC/NAME")


def _list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("topic", metavar="TOPIC")
    search(parser)


def _set(parser: argparse.ArgumentParser) -> None:
    _which(parser)
    parser.add_argument(
        "--tag", action="append", metavar="TAG", help="only messages with this tag or another one given; up to 5"
    )
    parser.add_argument(
        "--binding-key",
        action="append",
        metavar="KEY",
        help="only messages whose routing key this one matches, or another one given; up to 5",
    )
    parser.add_argument("--strategy", choices=sorted(STRATEGIES), help="how an endpoint is tried again")
    parser.add_argument("--format", choices=sorted(FORMATS), help="what an endpoint gets; a queue gets the plain text")


def _create(parser: argparse.ArgumentParser) -> None:
    _set(parser)
    parser.add_argument("--protocol", choices=("http", "queue"), required=True, help="what it delivers to")
    parser.add_argument("--endpoint", required=True, metavar="URL|QUEUE", help="where to: a URL, or a queue's name")


def _named(of: Label) -> dict[str, Value]:
    return {"topicName": of.topic, "subscriptionName": of.name}


def _asked_for(args: argparse.Namespace) -> dict[str, Value]:
    found: dict[str, Value] = {
        "notifyStrategy": args.strategy,
        "notifyContentFormat": args.format,
        "filterTag": args.tag,
        "bindingKey": args.binding_key,
    }
    return {parameter: value for parameter, value in found.items() if value is not None}


def _said(of: Label) -> str:
    return f"subscription {of.topic}/{of.name}"


def _run_list(args: argparse.Namespace, call: Call) -> Iterator[str]:
    action = "ListSubscriptionByTopic"
    found = list(listed(call, action, "subscriptionList", topicName=args.topic, searchWord=args.word))
    wanted = _COUNTS if args.counts else {}
    rows = []
    for one in found:
        of = _named(Label(args.topic, one["subscriptionName"]))
        counts = asked(call, "GetSubscriptionAttributes", wanted, **of).values() if wanted else ()
        rows.append([one["subscriptionName"], one["protocol"], *counts, one["endpoint"]])
    if rows:
        yield from table(["NAME", "PROTOCOL", *wanted, "ENDPOINT"], rows)
    yield plural(len(rows), "subscription") + f" of {args.topic}"


def _run_show(args: argparse.Namespace, call: Call) -> Iterator[str]:
    reply = call("GetSubscriptionAttributes", **_named(args.subscription))
    yield from told(reply, "protocal", "filterTags", "bindindKey")


def _run_create(args: argparse.Namespace, call: Call) -> Iterator[str]:
    of = args.subscription
    reply = call("Subscribe", **_named(of), protocol=args.protocol, endpoint=args.endpoint, **_asked_for(args))
    yield f"{_said(of)} created, id {reply['subscriptionId']}"


def _run_set(args: argparse.Namespace, call: Call) -> Iterator[str]:
    changes = _asked_for(args)
    if not changes:
        args.parser.error("set: what? One option at least")
    call("SetSubscriptionAttributes", **_named(args.subscription), **changes)
    yield f"{_said(args.subscription)} changed: {', '.join(changes)}"


def _run_delete(args: argparse.Namespace, call: Call) -> Iterator[str]:
    call("Unsubscribe", **_named(args.subscription))
    yield f"{_said(args.subscription)} deleted"


def _run_clear_tags(args: argparse.Namespace, call: Call) -> Iterator[str]:
    call("ClearSubscriptionFilterTags", **_named(args.subscription))
    yield f"{_said(args.subscription)} gets every message now, whatever its tags"


VERBS = (
    Verb("list", "one line a subscription", _list, _run_list),
    Verb("show", "what it is, and how many messages it has still to deliver", _which, _run_show),
    Verb("create", "make one; it gets what is published from then on", _create, _run_create),
    Verb("set", "change its filters, strategy or format", _set, _run_set),
    Verb("delete", "delete it, with what it has not delivered", _which, _run_delete),
    Verb("clear-tags", "take its filter tags away", _which, _run_clear_tags),
)
