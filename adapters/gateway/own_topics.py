"""The gateway's own Kafka topics: made at its start where they are missing.

Shape   await make_own_topics(admin, servers, replication_factor)
Order   the registry alone first: a broker tells of new topics before it has made their logs, and makes them one by one.
        Behind the slots' 64 the registry could not be read for seconds
Errors  PipelineError: the brokers do not answer, or do not let us
"""

from functools import partial

from adapters.gateway.journal.journal_record import slots_spec
from adapters.gateway.logs.blocking import blocking
from adapters.gateway.registry.registry_view import registry_spec
from adapters.provision import TopicAdmin
from pipeline.errors import PipelineError

ANSWER_S = 30.0


async def make_own_topics(admin: TopicAdmin, servers: str, replication_factor: int) -> None:
    """Make what is missing.

    Raises:
        PipelineError: see above.
    """
    try:
        await blocking(partial(_make, admin, replication_factor), ANSWER_S)
    except TimeoutError as error:
        raise PipelineError(f"no broker answers at {servers} within {ANSWER_S:.0f} s") from error


def _make(admin: TopicAdmin, replication_factor: int) -> None:
    existing = admin.existing()
    refused: dict[str, str] = {}
    for spec in (registry_spec(replication_factor), slots_spec(replication_factor)):
        if spec.name not in existing:
            refused |= {name: reason for name, reason in admin.create([spec]).items() if reason}
    if refused and not refused.keys() <= admin.existing():  # another replica may have been quicker
        raise PipelineError("; ".join(f"topic {name!r}: {reason}" for name, reason in refused.items()))
