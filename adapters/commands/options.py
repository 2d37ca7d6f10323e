"""The options that every command has.

Shape   add_common(parser); a parser below another one that has them leaves alone what was said there
"""

import argparse
from typing import Any

from adapters.logs import FORMATS
from adapters.settings_file import CONFIG_VARIABLE, DEFAULT_PATH


def add_common(parser: argparse._ActionsContainer, *, below: bool = False) -> None:
    """Add them to a parser or a group; below: of a parser whose parent has them, too."""

    def default(value: str | None) -> Any:  # noqa: ANN401  argparse takes anything
        return argparse.SUPPRESS if below else value

    parser.add_argument(
        "--config",
        metavar="FILE",
        default=default(None),
        help=f"the configuration (default: ${CONFIG_VARIABLE}, else {DEFAULT_PATH})",
    )
    parser.add_argument("--log-format", choices=sorted(FORMATS), default=default("text"), help="of the log on stderr")
    parser.add_argument(
        "--log-level",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        default=default("INFO"),
        help="least level logged",
    )
