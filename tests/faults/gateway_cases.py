"""All cases of the gateway, in the order of the table."""

from tests.faults import gateway_replicas, gateway_brokers  # noqa: I001  the table's
from tests.faults.gateway_case import GATEWAY_CASES

__all__ = ["GATEWAY_CASES", "gateway_brokers", "gateway_replicas"]
