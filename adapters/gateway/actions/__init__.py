"""CMQ's calls, one small module each or for two that belong together; ACTIONS has them all by name.

A module of this package is found by lying in it: to add an action is to add its module. The modules themselves are
read by the checks on imports like all others.
"""

import importlib
import pkgutil
from collections.abc import Iterator

from adapters.gateway.acting.action import registry
from adapters.gateway.acting.declaring import DeclaredAction


def _found() -> Iterator[DeclaredAction]:
    for one in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{one.name}")
        yield from (value for value in vars(module).values() if isinstance(value, DeclaredAction))


ACTIONS = registry(*_found())

__all__ = ["ACTIONS"]
