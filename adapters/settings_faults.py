"""What is wrong with a configuration, one line a fault: `path: value: reason; allowed: …`.

Shape   Faults(shown tree) collects; add(steps, reason) takes the value from the tree. SettingsError carries the lines
Secrets never shown: a value whose name tells that it is one, the user and password of a URL. What came by reference
        is shown as the reference, since the tree is the one from before they were looked up
"""

import re
from typing import Any

from adapters.one_line import one_line

MASK = "***"
SHOWN_CHARACTERS = 120

Steps = tuple[str | int, ...]

_SECRET = re.compile(r"password|passphrase|secret|jaas|key\.pem")
_KEYS: Steps = ("gateway", "keys")
_OPEN_OF_A_KEY = frozenset({"actions", "names", "rate", "enabled"})
_USER_IN_URL = re.compile(r"//.*@")


class SettingsError(Exception):
    """A configuration that cannot be used; one line a fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def is_secret(steps: Steps) -> bool:
    """Whether the value at this path must not be shown, and not stand in the file."""
    if steps[:2] == _KEYS:
        return len(steps) < 4 or steps[3] not in _OPEN_OF_A_KEY
    return any(_SECRET.search(step) for step in steps if isinstance(step, str))


def shown_path(steps: Steps) -> str:
    """`subscriptions[1].endpoint`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def shown_value(steps: Steps, value: object) -> str:
    """The value for a message, without what must not be shown."""
    return MASK if is_secret(steps) else _USER_IN_URL.sub(f"//{MASK}@", repr(value))[:SHOWN_CHARACTERS]


def value_at(tree: Any, steps: Steps) -> Any:  # noqa: ANN401  a YAML tree
    """What stands at a path; None if nothing does."""
    for step in steps:
        try:
            tree = tree[step]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


class Faults:
    """Collects them. A path is faulted once: what follows from its first fault is told only if it is told `always`."""

    def __init__(self, shown_tree: object) -> None:
        self._tree = shown_tree
        self._faulted: list[Steps] = []
        self.lines: list[str] = []

    def add(self, steps: Steps, reason: str, *, value: bool = True, always: bool = False) -> None:
        """One more; `value` says whether to show what stands there."""
        if not always and any(steps[: len(known)] == known or known[: len(steps)] == steps for known in self._faulted):
            return
        self._faulted.append(steps)
        shown = f" {shown_value(steps, value_at(self._tree, steps))}:" if value else ""
        self.add_line(f"{shown_path(steps)}:{shown} {reason}")

    def add_line(self, line: str) -> None:
        """One that is about no path of the tree."""
        self.lines.append(one_line(line))
