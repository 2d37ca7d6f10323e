"""Every module says what it is for, and an errors module draws its tree as it is."""

import ast
import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.house.modules import PACKAGES, module_name, module_paths

MODULES = [path for package in PACKAGES for path in module_paths(package)]
ERROR_MODULES = [path for path in MODULES if path.name == "errors.py"]


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_every_module_has_a_docstring(path: Path) -> None:
    assert (ast.get_docstring(ast.parse(path.read_text())) or "").strip()


def drawn_tree(doc: str) -> dict[str, str | None]:
    """Each drawn error with the one above it; depth is told by the branches before the name."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in doc.splitlines():
        found = re.match(r"^(?P<branches>[│├└─ ]*)(?P<name>\w+Error)\b", line)
        if found is None:
            continue
        depth = len(found["branches"]) // 4
        path[depth:] = [found["name"]]
        parents[found["name"]] = path[depth - 1] if depth else None
    return parents


def defined_tree(module: ModuleType) -> dict[str, str | None]:
    """Each exception that the module defines, with its base if that is one of them too."""
    errors = {
        name: kind
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and issubclass(kind, BaseException) and kind.__module__ == module.__name__
    }
    return {
        name: next((base.__name__ for base in kind.__bases__ if base.__name__ in errors), None)
        for name, kind in errors.items()
    }


@pytest.mark.parametrize("path", ERROR_MODULES, ids=module_name)
def test_the_drawn_error_tree_is_the_real_one(path: Path) -> None:
    module = importlib.import_module(module_name(path))
    assert drawn_tree(module.__doc__ or "") == defined_tree(module)


def test_schemas_and_pipeline_have_their_errors_in_one_module_each() -> None:
    assert {"schemas.errors", "pipeline.errors"} <= set(map(module_name, ERROR_MODULES))


def test_a_tree_is_read_with_its_depths() -> None:
    doc = "x\n\nAError\n├── BError  says\n│   └── CError\n└── DError\n"
    assert drawn_tree(doc) == {"AError": None, "BError": "AError", "CError": "BError", "DError": "AError"}
