"""What the environment adds to the configuration: values in place of references, and overrides.

Shape   override(tree) puts the environment's values into it; resolved(tree) -> the tree with references replaced
References  `${NAME}` and `${file:/path}`, anywhere inside a value of the file. One that leads nowhere is a fault at its
        path. What came from the environment is not searched for references again
Overrides   BATCH_EVENTS__<PATH>, parts joined by `__`, a value as in the file: BATCH_EVENTS__TOPICS__PARTITIONS=12.
        Below `kafka` the rest is the property's name, `_` for the dot; below `gateway.keys` a SecretId stands as it
        is, capitals and all. Secrets and properties are text, taken as they
        are. An empty value takes away what the file says
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from adapters.settings_faults import Faults, Steps, is_secret
from adapters.settings_yaml import read_value

OVERRIDE_PREFIX = "BATCH_EVENTS__"

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_INDEX = re.compile(r"[0-9]{1,6}")


def is_reference(value: object) -> bool:
    """Whether a value is nothing but one reference."""
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def resolved(
    node: object, environ: Mapping[str, str], faults: Faults, as_it_is: AbstractSet[Steps], steps: Steps = ()
) -> Any:  # noqa: ANN401  a YAML tree
    """The tree with its references replaced, but for the paths that are to stay as they are."""
    if steps in as_it_is:
        return node
    if isinstance(node, dict):
        return {name: resolved(value, environ, faults, as_it_is, (*steps, name)) for name, value in node.items()}
    if isinstance(node, list):
        return [resolved(value, environ, faults, as_it_is, (*steps, index)) for index, value in enumerate(node)]
    if not isinstance(node, str):
        return node
    try:
        return _REFERENCE.sub(lambda match: _looked_up(match.group(1), environ), node)
    except LookupError as error:
        faults.add(steps, str(error.args[0]), value=False)
        return ""


def _looked_up(name: str, environ: Mapping[str, str]) -> str:
    try:
        if name.startswith("file:"):
            return Path(name.removeprefix("file:")).read_text(encoding="utf-8").rstrip("\r\n")
        return environ[name]
    except KeyError:
        reason = "is not set in the environment"
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}"
    raise LookupError(f"${{{name}}}: {reason}")


def override(tree: dict[str, Any], environ: Mapping[str, str], faults: Faults) -> set[Steps]:
    """Put every override into the tree; returns their paths."""
    paths = set()
    for variable in sorted(environ):
        if not variable.startswith(OVERRIDE_PREFIX):
            continue
        steps = _steps(variable.removeprefix(OVERRIDE_PREFIX))
        try:
            paths.add(_put(tree, steps, _value(steps, environ[variable])))
        except ValueError as error:
            faults.add_line(f"{variable}: {error}")
    return paths


def _steps(text: str) -> Steps:
    steps = text.lower().split("__")
    if steps[0] == "kafka" and steps[1:]:
        return steps[0], "__".join(steps[1:]).replace("_", ".")
    if steps[:2] == ["gateway", "keys"] and steps[2:]:
        steps[2] = text.split("__")[2]
    return tuple(steps)


def _value(steps: Steps, text: str) -> object:
    if steps[0] == "kafka" and len(steps) == 2:
        return text
    return text if is_secret(steps) and not text.startswith("[") else read_value(text)


def _put(tree: dict[str, Any], steps: Steps, value: object) -> Steps:
    """Put a value at a path, making the mappings on the way; returns the path, with numbers where lists are."""
    node: Any = tree
    taken: Steps = ()
    for step in steps[:-1]:
        taken += (_fitting(node, step),)
        step_there: Any = taken[-1]
        node = node[step_there] if isinstance(node, list) else node.setdefault(step_there, {})
    last: Any = _fitting(node, steps[-1])
    if value is None and isinstance(node, dict):
        node.pop(last, None)
    else:
        node[last] = value
    return *taken, last


def _fitting(node: object, step: str | int) -> str | int:
    if isinstance(node, dict) and step:
        return step
    if not isinstance(node, list):
        raise ValueError("leads to no value of the configuration")  # noqa: TRY004  a fault of the variable
    if not _INDEX.fullmatch(str(step)) or int(step) >= len(node):
        raise ValueError(f"there is no {step!r} in a list of {len(node)}")
    return int(step)
