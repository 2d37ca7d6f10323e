"""What can be wrong with data on a wire.

SchemaError
├── FaultsError              several faults at once; .faults lists all of them
│   ├── NotificationsError   notifications refused
│   └── ResourceError        a resource's fields refused
├── AvroDecodeError          bytes that no known schema explains
├── AvroEncodeError          an event that its schema cannot hold
└── CmqMessageError          text that is not a CMQ message of Batch events
"""

from reprlib import Repr
from typing import NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong: where, which of the Batch API's error codes, and why."""

    path: str
    code: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.code}: {self.reason}"


class SchemaError(ValueError):
    """Data that does not have the shape its wire asks for."""


class FaultsError(SchemaError):
    """Several faults found at once, one line each."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class NotificationsError(FaultsError):
    """Notifications that SubmitJob or CreateComputeEnv would refuse."""


class ResourceError(FaultsError):
    """A job, task, instance, node or environment with missing or mistyped fields."""


class AvroDecodeError(SchemaError):
    """Bytes that are not an event in any schema we know."""


class AvroEncodeError(SchemaError):
    """An event with a value that its Avro schema cannot hold."""


class CmqMessageError(SchemaError):
    """Text or Base64 that is not a CMQ message of Batch events."""


class _Shown(Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxstring = self.maxother = 80

    def repr_int(self, x: int, level: int) -> str:
        """Python refuses to write out integers of thousands of digits."""
        return super().repr_int(x, level) if x.bit_length() <= 256 else f"an integer of {x.bit_length()} bits"


_SHOWN = _Shown()


def shown(value: object) -> str:
    """A value for a message, in at most 80 characters; never an error, however deep or large the value is."""
    return f"{_SHOWN.repr(value):.80}"
