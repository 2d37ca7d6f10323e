"""How an action is written: a function from Params and Backend to the reply's fields, with a name.

Shape   @action("SendMessage", changes=True) in a module of actions/; that is all it takes to add one
"""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.params import Params

Fields = dict[str, object]
_Function = Callable[[Params, Backend], Coroutine[Any, Any, Fields]]


class DeclaredAction(NamedTuple):
    """An Action."""

    name: str
    function: _Function
    changes: bool
    long_poll: bool

    def __call__(self, params: Params, backend: Backend) -> Coroutine[Any, Any, Fields]:
        """Do it."""
        return self.function(params, backend)


def action(name: str, *, changes: bool = False, long_poll: bool = False) -> Callable[[_Function], DeclaredAction]:
    """Make an action of a function; the words are those of Action."""
    return lambda function: DeclaredAction(name, function, changes, long_poll)
