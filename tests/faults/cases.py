"""All cases, in the order of the table."""

from tests.faults import kill_points, members, held_keys, dead_letters, brokers, endpoint, data  # noqa: I001  the table's
from tests.faults.case import CASES

__all__ = ["CASES", "brokers", "data", "dead_letters", "endpoint", "held_keys", "kill_points", "members"]
