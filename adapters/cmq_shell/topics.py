"""`batch-events cmq topics`: make, change, look at and delete CMQ topics. `batch-events topics` is about Kafka's."""

import argparse
from collections.abc import Iterator

from adapters.cmq_shell.verb import Call, Listed, Verb, name, search, told
from adapters.gateway.acting.queue_settings import SETTINGS
from adapters.gateway.acting.subscription_settings import BINDING_KEYS, TAGS
from adapters.gateway.acting.topic_settings import DEFAULT_MSG_SIZE

KIND = "topics"
HELP = "topics: list, show, create, set, delete"

FILTER_TYPES = {"tags": TAGS, "binding-keys": BINDING_KEYS}

_LISTED = Listed("topic", "ListTopic", "topicList", "GetTopicAttributes", {"MESSAGES": "msgCount"})


def _max_msg_size(parser: argparse.ArgumentParser, *, required: bool) -> None:
    one = SETTINGS["maxMsgSize"]
    said = f"{one.least} to {one.most}" + ("" if required else f"; CMQ's default: {DEFAULT_MSG_SIZE}")
    parser.add_argument("--max-msg-size", type=int, required=required, metavar="BYTES", help=said)


def _create(parser: argparse.ArgumentParser) -> None:
    name(parser)
    _max_msg_size(parser, required=False)
    parser.add_argument(
        "--filter-type",
        choices=FILTER_TYPES,
        default="tags",
        help="what its subscriptions filter by, for ever (default: tags)",
    )


def _set(parser: argparse.ArgumentParser) -> None:
    name(parser)
    _max_msg_size(parser, required=True)


def _run_show(args: argparse.Namespace, call: Call) -> Iterator[str]:
    reply = call("GetTopicAttributes", topicName=args.name)
    words = {number: word for word, number in FILTER_TYPES.items()}
    yield from told(reply | {"filterType": words.get(reply["filterType"], reply["filterType"])}, "LoggingEnabled")


def _run_create(args: argparse.Namespace, call: Call) -> Iterator[str]:
    kind = FILTER_TYPES[args.filter_type]
    reply = call("CreateTopic", topicName=args.name, maxMsgSize=args.max_msg_size, filterType=kind)
    yield f"topic {args.name} created, id {reply['topicId']}"


def _run_set(args: argparse.Namespace, call: Call) -> Iterator[str]:
    call("SetTopicAttributes", topicName=args.name, maxMsgSize=args.max_msg_size)
    yield f"topic {args.name} changed: maxMsgSize {args.max_msg_size}"


def _run_delete(args: argparse.Namespace, call: Call) -> Iterator[str]:
    call("DeleteTopic", topicName=args.name)
    yield f"topic {args.name} deleted"


VERBS = (
    Verb("list", "one line a topic", search, _LISTED.run),
    Verb("show", "its attributes", name, _run_show),
    Verb("create", "make one", _create, _run_create),
    Verb("set", "change how large a message may be", _set, _run_set),
    Verb("delete", "delete it; it must have no subscriptions", name, _run_delete),
)
