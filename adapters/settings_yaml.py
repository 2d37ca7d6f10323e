"""The configuration file as a tree of mappings, lists and scalars; keys are text, what is empty is absent.

Shape   read_tree(file) -> tree, duplicate keys. PyYAML's safe loader, but a key that is there twice is a fault, since
        one of the two would silently win
Errors  SettingsError: no such file, not readable, not YAML (line and column, never the text there: it may be a
        secret), no mapping at its top
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from adapters.settings_faults import MASK, SettingsError, Steps

DuplicateKey = tuple[Steps, int]
"""Its path, and the line of the second one."""

_FOREIGN = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What PyYAML's own conversions raise on a scalar such as 2026-02-30 (UnicodeDecodeError is a ValueError)."""

_NAMED = re.compile(r"\b(alias|anchor|tag|handle) '[^']*'")


class _Loader(yaml.SafeLoader):
    """Says where a scalar stands that cannot be converted."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002  as the base
        try:
            return super().construct_object(node, deep)
        except _FOREIGN:
            reason = "a value that does not exist in its form, such as a date that is in no calendar"
            raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark) from None


def read_tree(file: Path) -> tuple[dict[str, Any], list[DuplicateKey]]:
    """Read the file.

    Raises:
        SettingsError: it cannot be read, or is no mapping.
    """
    try:
        loader = _Loader(file.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        duplicates = list(_duplicates(node, ()))
        tree = None if node is None else loader.construct_document(node)
        tree = _plain(tree)
    except OSError as error:
        raise SettingsError([f"{file}: cannot be read: {error.strerror}"]) from None
    except RecursionError:
        raise SettingsError([f"{file}: nested too deep, or an alias that leads to itself"]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError([f"{file}: not YAML: {yaml_reason(error)}"]) from None
    if not isinstance(tree, dict):
        raise SettingsError([f"{file}: must be a mapping at its top"])
    return tree, duplicates


def read_value(text: str) -> object:
    """A value from the environment, written as in the file.

    Raises:
        ValueError: not YAML; the reason does not hold the text.
    """
    try:
        return _plain(yaml.load(text, Loader=_Loader))  # noqa: S506  a safe loader
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"is not YAML: {yaml_reason(error)}") from None


def yaml_reason(error: Exception) -> str:
    """Where and why, without the text around it."""
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
    return where + _NAMED.sub(rf"\1 {MASK}", str(problem))


def _duplicates(node: yaml.Node | None, steps: Steps) -> Iterator[DuplicateKey]:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _duplicates(item, (*steps, index))
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                continue
            path = (*steps, key.value)
            if key.value in seen:
                yield path, key.start_mark.line + 1
            seen.add(key.value)
            yield from _duplicates(value, path)


def _plain(node: object) -> object:
    if isinstance(node, dict):
        return {str(name): _plain(value) for name, value in node.items() if value is not None}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node
