"""`batch-events cmq queues`: make, change, look at and delete CMQ queues, and rewind them.

Options are CMQ's own parameters, spelt as options are: `visibilityTimeout` is `--visibility-timeout`.
"""

import argparse
import re
from collections.abc import Iterator

from adapters.cmq_shell.client import Value
from adapters.cmq_shell.verb import Call, Listed, Verb, name, search, told
from adapters.gateway.acting.queue_settings import SETTINGS
from adapters.iso_time import time_ms
from pipeline.cmq_registry import QueueAttributes

KIND = "queues"
HELP = "queues: list, show, create, set, delete, rewind"

_LISTED = Listed(
    "queue",
    "ListQueue",
    "queueList",
    "GetQueueAttributes",
    {"ACTIVE": "activeMsgNum", "INACTIVE": "inactiveMsgNum", "DELAYED": "delayMsgNum"},
)
_POLICY = "deadLetterPolicy"
_DEAD_LETTER = {
    "deadLetterQueue": ("NAME", "where messages go that nobody deletes; with one of the next two at least"),
    "maxReceiveCount": ("N", "that were received so often, 1 to 1000"),
    "maxTimeToLive": ("SECONDS", "that nobody consumed for so long, 300 to 43200"),
}


def option(parameter: str) -> str:
    """`--visibility-timeout` of visibilityTimeout."""
    return "--" + re.sub("([A-Z])", r"-\1", parameter).lower()


def _destination(parameter: str) -> str:
    return option(parameter).removeprefix("--").replace("-", "_")


def _settings(parser: argparse.ArgumentParser) -> None:
    defaults = QueueAttributes()
    for parameter, one in SETTINGS.items():
        range_said = f"{one.least} to {one.most}; CMQ's default: {getattr(defaults, one.field)}"
        parser.add_argument(option(parameter), type=int, metavar="N", help=range_said)


def _set(parser: argparse.ArgumentParser) -> None:
    name(parser)
    _settings(parser)


def _create(parser: argparse.ArgumentParser) -> None:
    _set(parser)
    for parameter, (metavar, said) in _DEAD_LETTER.items():
        kind = str if metavar == "NAME" else int
        parser.add_argument(option(parameter), type=kind, metavar=metavar, help=said)


def _rewind(parser: argparse.ArgumentParser) -> None:
    name(parser)
    parser.add_argument(
        "--to",
        type=time_ms,
        required=True,
        metavar="TIME",
        help="deleted messages that were sent then or later (ISO 8601) are there again; "
        "as far back as --rewind-seconds of the queue reaches",
    )


def _asked_for(args: argparse.Namespace) -> dict[str, Value]:
    found = {parameter: getattr(args, _destination(parameter)) for parameter in SETTINGS}
    return {parameter: value for parameter, value in found.items() if value is not None}


def _run_show(args: argparse.Namespace, call: Call) -> Iterator[str]:
    yield from told(call("GetQueueAttributes", queueName=args.name), "rewindmsgNum")


def _run_create(args: argparse.Namespace, call: Call) -> Iterator[str]:
    policy = {f"{_POLICY}.{parameter}": getattr(args, _destination(parameter)) for parameter in _DEAD_LETTER}
    reply = call("CreateQueue", queueName=args.name, **_asked_for(args), **policy)
    yield f"queue {args.name} created, id {reply['queueId']}"


def _run_set(args: argparse.Namespace, call: Call) -> Iterator[str]:
    changes = _asked_for(args)
    if not changes:
        args.parser.error("set: what? One option at least")
    reply = call("SetQueueAttributes", queueName=args.name, **changes)
    yield f"queue {args.name} changed: " + ", ".join(f"{one} {reply.get(one, changes[one])}" for one in changes)


def _run_delete(args: argparse.Namespace, call: Call) -> Iterator[str]:
    call("DeleteQueue", queueName=args.name)
    yield f"queue {args.name} deleted, with its messages"


def _run_rewind(args: argparse.Namespace, call: Call) -> Iterator[str]:
    call("RewindQueue", queueName=args.name, startConsumeTime=args.to // 1000)
    yield f"queue {args.name} rewound: what was deleted and sent since then is there again"


VERBS = (
    Verb("list", "one line a queue", search, _LISTED.run),
    Verb("show", "its attributes, and how many messages it has", name, _run_show),
    Verb("create", "make one", _create, _run_create),
    Verb("set", "change its attributes", _set, _run_set),
    Verb("delete", "delete it, with its messages; the name is free again after 30 s", name, _run_delete),
    Verb("rewind", "deleted messages again, from a time on", _rewind, _run_rewind),
)
