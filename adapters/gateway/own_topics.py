"""The gateway's own Kafka topics: made at its start where they are missing.

Shape   await make_own_topics(cluster, replication_factor)
Errors  PipelineError: the brokers do not answer, or do not let us
"""

from functools import partial

from adapters.gateway.blocking import blocking
from adapters.gateway.journal_record import slots_spec
from adapters.gateway.registry_view import registry_spec
from adapters.provision import TopicAdmin
from pipeline.cluster import Cluster
from pipeline.errors import PipelineError

ANSWER_S = 30.0


async def make_own_topics(cluster: Cluster, replication_factor: int) -> None:
    """Make what is missing.

    Raises:
        PipelineError: see above.
    """
    try:
        await blocking(partial(_make, cluster, replication_factor), ANSWER_S)
    except TimeoutError as error:
        raise PipelineError(f"no broker answers at {cluster.servers} within {ANSWER_S:.0f} s") from error


def _make(cluster: Cluster, replication_factor: int) -> None:
    admin = TopicAdmin(cluster)
    existing = admin.existing()
    specs = [registry_spec(replication_factor), slots_spec(replication_factor)]
    missing = [spec for spec in specs if spec.name not in existing]
    refused = {name: reason for name, reason in admin.create(missing).items() if reason} if missing else {}
    if refused and not refused.keys() <= admin.existing():  # another replica may have been quicker
        raise PipelineError("; ".join(f"topic {name!r}: {reason}" for name, reason in refused.items()))
