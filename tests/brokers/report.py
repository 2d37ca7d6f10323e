"""What the ladder says, in an order that can be relied on: the tier first, the reasons after it.

On a terminal one passing line says what is being waited for; it is wiped before the tier is said.
"""

import sys

from tests.brokers.ladder import Choice

WIPE = "\r\x1b[K"


def progress(text: str) -> None:
    """Show what is being waited for, where there is a person to see it."""
    if sys.stderr.isatty():
        _to_stderr(f"{WIPE}choosing a broker: {text} …")


def announce(choice: Choice) -> None:
    """Say the tier on stdout, then on stderr why each better one was passed over."""
    _wipe()
    sys.stdout.write(f"broker tier: {choice.tier}\n")
    sys.stdout.flush()
    for tier, reason in choice.passed_over.items():
        _to_stderr(f"passed over {tier}: {reason}\n")


def refuse(reason: str) -> None:
    """Say on stderr why there is no tier to run on."""
    _wipe()
    _to_stderr(f"no broker tier: {reason}\n")


def _wipe() -> None:
    if sys.stderr.isatty():
        _to_stderr(WIPE)


def _to_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
