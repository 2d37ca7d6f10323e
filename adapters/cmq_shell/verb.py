"""What a verb of `batch-events cmq` is, and what several of them share.

Shape   Verb(name, help, arguments, run): run(args, call) -> lines to print, as they come
        Listed(…).run is the run of a `list`
Errors  what call raises
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

from adapters.cmq_shell.client import CmqRefusedError, Reply, Value
from adapters.cmq_shell.tables import NOTHING, facts, shown, table, time_shown
from adapters.gateway.errors import Row

PAGE = 50
"""As many as every list gives at once."""

COMMON = {"code", "message", "requestId"}
TIMES = {"createTime", "lastModifyTime", "minMsgTime"}


class Call(Protocol):
    """CmqClient.call."""

    def __call__(self, action: str, **parameters: Value) -> Reply: ...  # noqa: D102  above


class Verb(NamedTuple):
    """One of a kind's."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Call], Iterator[str]]


def listed(call: Call, action: str, entries: str, **parameters: Value) -> Iterator[Reply]:
    """Every entry of a list, page by page."""
    offset = 0
    while True:
        reply = call(action, **parameters, offset=offset, limit=PAGE)
        yield from reply[entries]
        offset += PAGE
        if not reply[entries] or offset >= reply["totalCount"]:
            return


def asked(call: Call, action: str, wanted: Mapping[str, str], **parameters: Value) -> dict[str, str]:
    """Some fields of what this action tells, as cells; what has gone since it was listed has none."""
    try:
        reply = call(action, **parameters)
    except CmqRefusedError as error:
        if error.code != Row.NO_QUEUE.error().code:
            raise
        return dict.fromkeys(wanted, NOTHING)
    return {name: shown(reply[field]) for name, field in wanted.items()}


class Listed(NamedTuple):
    """What queues and topics are listed by: actions, and fields of their replies.

    Attributes:
        counts: by their heads, fields of what `attributes` tells of one.
    """

    kind: str
    action: str
    entries: str
    attributes: str
    counts: Mapping[str, str]

    def run(self, args: argparse.Namespace, call: Call) -> Iterator[str]:
        """A line each, and how many there are."""
        name_field, id_field = f"{self.kind}Name", f"{self.kind}Id"
        wanted = self.counts if args.counts else {}
        rows = []
        for one in listed(call, self.action, self.entries, searchWord=args.word):
            counts = asked(call, self.attributes, wanted, **{name_field: one[name_field]}) if wanted else {}
            rows.append([one[name_field], *counts.values(), one[id_field]])
        if rows:
            yield from table(["NAME", *wanted, "ID"], rows)
        yield plural(len(rows), self.kind)


def told(reply: Reply, *spelt_again: str) -> Iterator[str]:
    """Everything that a reply says, in CMQ's words.

    Args:
        reply: of the action.
        spelt_again: fields that repeat another one, for clients that look for them.
    """
    fields = {name: value for name, value in reply.items() if name not in COMMON.union(spelt_again)}
    yield from facts((name, time_shown(value) if name in TIMES else shown(value)) for name, value in fields.items())


def name(parser: argparse.ArgumentParser) -> None:
    """Which one."""
    parser.add_argument("name", metavar="NAME")


def search(parser: argparse.ArgumentParser) -> None:
    """Those of some word, with or without what has to be asked for each."""
    parser.add_argument("word", nargs="?", metavar="WORD", help="only those whose name has this in it")
    parser.add_argument("--counts", action="store_true", help="how many messages each has, too: one more call each")


def plural(count: int, kind: str) -> str:
    """`1 queue`, `2 queues`."""
    return f"{count} {kind}" if count == 1 else f"{count} {kind}s"
