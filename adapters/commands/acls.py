"""`batch-events acls`: the least rights that a part needs, for whoever administrates the Kafka cluster."""

import argparse
import os
import shlex

from adapters.access import Operation, Part, Right, rights_of
from adapters.settings_file import load_settings
from pipeline.stop import ExitStatus

NAME = "acls"
HELP = "Show the least Kafka rights that each part needs; with --principal as lines for kafka-acls.sh."
EXAMPLES = """\
  batch-events acls
  batch-events acls run publish --principal User:batch-events
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which parts, for whom."""
    names = ", ".join(Part)
    parser.add_argument("parts", nargs="*", type=_part, metavar="PART", help=f"one of {names}; absent: each of them")
    parser.add_argument("--principal", metavar="TYPE:NAME", help="print kafka-acls.sh lines that allow it")


def _part(text: str) -> Part:
    try:
        return Part(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(Part)}") from None


def run(args: argparse.Namespace) -> ExitStatus:
    """A heading a part, then a line for each thing that it has rights to."""
    settings = load_settings(args.config, os.environ)
    for part in dict.fromkeys(args.parts or Part):
        print(f"# {part}")
        for right, operations in _together(rights_of(part, settings)).items():
            print(_command(right, operations, args.principal) if args.principal else _row(right, operations))
    return ExitStatus.FINE


def _together(rights: list[Right]) -> dict[Right, list[Operation]]:
    """The operations of each thing; the key is its first right."""
    found: dict[tuple[str, str, bool], tuple[Right, list[Operation]]] = {}
    for right in rights:
        found.setdefault((right.kind, right.name, right.prefixed), (right, []))[1].append(right.operation)
    return dict(found.values())


def _row(right: Right, operations: list[Operation]) -> str:
    name = f"{right.name}*" if right.prefixed else right.name
    return f"{right.kind:<16}  {name}  {', '.join(operations)}"


def _command(right: Right, operations: list[Operation], principal: str) -> str:
    allowed = " ".join(f"--operation {operation}" for operation in operations)
    pattern = " --resource-pattern-type prefixed" if right.prefixed else ""
    return (
        'kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config admin.properties --add '
        f"--allow-principal {shlex.quote(principal)} {allowed} --{right.kind} {shlex.quote(right.name)}{pattern}"
    )
