"""What an action is: one of CMQ's calls, apart from how it came and who sent it.

Shape   Action: name, changes, long_poll, and a call from Params and Backend to the reply's own fields
Reply   what the call returns is the reply's fields beyond `code` 0, `message` "" and `requestId`. A refusal is a
        CmqError. A reply that has a code and fields beside it (a batch delete that failed in part) says `code` and
        `message` itself: refused_with(row, errorList=[…])
Source  cmq.md 3
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from adapters.gateway.acting.params import Params
from adapters.gateway.errors import Row
from adapters.gateway.ports import Queues, Topics


class Backend(NamedTuple):
    """What the actions work on.

    Attributes:
        topic_owner: the account's number, as subscribers are told it.
    """

    queues: Queues
    topics: Topics
    topic_owner: int = 0


class Action(Protocol):
    """One of CMQ's calls.

    Attributes:
        name: as the documentation spells it; requests are matched regardless of case.
        changes: whether a second execution would do something again. A signed request that comes twice gets the first
            execution's answer. A receive changes, too: it leases.
        long_poll: whether it is cancelled when its client goes away; it must give back then what it took. Any other
            call that has begun is brought to its end.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  above

    @property
    def changes(self) -> bool: ...  # noqa: D102  above

    @property
    def long_poll(self) -> bool: ...  # noqa: D102  above

    async def __call__(self, params: Params, backend: Backend) -> dict[str, object]:
        """Do it; gives the reply's own fields.

        Raises:
            CmqError: the row that the reply is to have.
        """
        ...


Actions = Mapping[str, Action]
"""By name in lower case: registry()."""


def registry(*actions: Action) -> dict[str, Action]:
    """The actions that a gateway knows, as it looks them up."""
    by_name = {action.name.lower(): action for action in actions}
    assert len(by_name) == len(actions), "two actions of one name"  # noqa: S101  a fault of the program
    return by_name


def refused_with(row: Row, **fields: object) -> dict[str, object]:
    """A reply of this row that has fields of its own."""
    error = row.error()
    return {"code": error.code, "message": str(error), **fields}
