"""The command `batch-events`.

Exit    0 fine, 1 some input was refused, 2 usage or configuration, 3 stopped with work abandoned (it will be sent
        again), 4 a part died, 130 second interrupt
"""

import argparse
import io
import logging
import os
import sys
from typing import NoReturn

from adapters.commands import (
    acls,
    check,
    cmq,
    dead_letters,
    decode,
    demo,
    gateway,
    publish,
    rewind,
    run,
    simulate,
    topics,
    trace,
)
from adapters.commands.options import add_common
from adapters.logs import setup
from adapters.settings_faults import SettingsError
from pipeline.errors import PipelineError
from pipeline.stop import ExitStatus

log = logging.getLogger(__name__)

COMMANDS = (demo, check, topics, acls, publish, simulate, run, gateway, cmq, dead_letters, trace, rewind, decode)

_EXITS = """\
exit status:
  0 fine, 1 some input was refused, 2 usage or configuration, 3 stopped with work abandoned (it will be
  sent again), 4 a part died, 130 second interrupt
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    common = argparse.ArgumentParser(add_help=False)
    add_common(common)
    top = argparse.ArgumentParser(
        prog="batch-events",
        description="Batch lifecycle events on Kafka, delivered the way CMQ delivered them.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in COMMANDS:
        command = commands.add_parser(
            module.NAME,
            parents=[common],
            help=module.HELP,
            description=module.HELP,
            epilog=f"examples:\n{module.EXAMPLES}\n{_EXITS}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.arguments(command)
        command.set_defaults(run=module.run)
    return top


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a character is no error
    args = parser().parse_args()
    setup(args.log_format, args.log_level)
    sys.exit(_status(args))


def _status(args: argparse.Namespace) -> int:
    try:
        return int(args.run(args))
    except SettingsError as error:
        print("\n".join(error.faults), file=sys.stderr)
        return ExitStatus.USAGE
    except PipelineError as error:
        print(f"batch-events: {error}", file=sys.stderr)
        return ExitStatus.USAGE
    except BrokenPipeError:
        # Whoever read our output has enough of it; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.FINE
    except KeyboardInterrupt:
        return ExitStatus.SECOND_INTERRUPT
    except Exception:
        log.critical("unforeseen", exc_info=True)
        return ExitStatus.PART_DIED
