"""Whether librdkafka takes the properties under `kafka`, asked of librdkafka itself, without a connection.

Shape   check_kafka(properties, faults)
How     each property alone, followed by one that does not exist: librdkafka stops at the first that it refuses, so no
        client comes to be. Then what a promise rests on (pipeline/client_properties.py): it cannot be set otherwise,
        and to ignore it silently would be a lie. Then clients as ours, without servers: what fits together only
"""

import logging
import re
from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaException, Producer

from adapters.settings_faults import MASK, Faults, Steps, is_secret
from pipeline.client_properties import OURS, why_not, why_not_together
from pipeline.cluster import Cluster
from pipeline.kafka_errors import kafka_error

SERVERS = "bootstrap.servers"

_END = "batch-events: end of the properties"
_SERVER = re.compile(
    r"(?:(?:plaintext|ssl|sasl_plaintext|sasl_ssl)://)?(?:\[[0-9a-f:.]+\]|[^\s:/\[\]]+)(?::([0-9]{1,5}))?",
    re.IGNORECASE,
)

log = logging.getLogger(__name__)


def check_kafka(properties: Mapping[str, object], faults: Faults) -> None:
    """Add what is wrong with them."""
    _check_servers(properties.get(SERVERS), faults)
    refused = {name for name, value in properties.items() if not _takes(name, value, faults)}
    kept = {name: value for name, value in properties.items() if name not in refused and name != SERVERS}
    if not refused:
        _check_together(kept, faults)


def _check_servers(servers: object, faults: Faults) -> None:
    at: Steps = ("kafka", SERVERS)
    if servers is None or servers == "":
        faults.add(at, "is missing; allowed: HOST:PORT, more of them after commas", value=False)
        return
    found = [_SERVER.fullmatch(server.strip()) for server in str(servers).split(",")]
    if not isinstance(servers, str) or any(one is None or int(one[1] or 1) not in range(1, 65536) for one in found):
        faults.add(at, "is not a list of brokers; allowed: HOST:PORT, more of them after commas")


def _takes(name: str, value: object, faults: Faults) -> bool:
    at = ("kafka", name)
    if name in OURS:
        faults.add(at, why_not(name, value) or "")
    elif isinstance(value, dict | list):
        faults.add(at, "must be text, a number, true or false")
    elif (reason := _refusal({name: value, _END: ""})) is not None and _END not in reason:
        faults.add(at, _hidden(at, value, reason), value="No such configuration property" not in reason)
    elif (reason := why_not(name, value)) is not None:
        faults.add(at, reason)
    else:
        return True
    return False


def _refusal(properties: dict[str, object]) -> str | None:
    try:
        Producer(properties)
    except KafkaException as error:
        return kafka_error(error).str()
    except (TypeError, ValueError, AttributeError) as error:  # the client's own properties, such as callbacks
        return str(error)
    return None


def _hidden(at: Steps, value: object, reason: str) -> str:
    return reason.replace(str(value), MASK) if is_secret(at) and str(value) else reason


def _check_together(properties: dict[str, object], faults: Faults) -> None:
    if (reason := why_not_together(properties)) is not None:
        faults.add(("kafka",), reason, value=False)
        return
    cluster = Cluster(properties)
    quiet = {"log_level": 0, "logger": log}
    producers = (cluster.producer_config(), cluster.transactional_config("check"))
    clients = [(Producer, config) for config in producers] + [(Consumer, cluster.consumer_config("check"))]
    for make, config in clients:
        try:
            make(config | quiet).close()
        except KafkaException as error:
            reason = kafka_error(error).str()
            for name, value in properties.items():
                reason = _hidden(("kafka", name), value, reason)
            faults.add(("kafka",), reason, value=False)
            return
