"""How a struct that holds secrets looks in a traceback or a log.

Shape   shown(struct, hidden={names}) -> its repr, with *** for those fields
"""

from collections.abc import Set as AbstractSet

import msgspec

MASK = "***"


def shown(struct: msgspec.Struct, hidden: AbstractSet[str]) -> str:
    """The repr, without the values of some fields."""
    fields = (f"{name}={MASK if name in hidden else repr(getattr(struct, name))}" for name in struct.__struct_fields__)
    return f"{type(struct).__name__}({', '.join(fields)})"
