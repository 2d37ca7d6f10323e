"""Whether what the configuration needs is there and lets us in: brokers, topics, rights, the registry's schemas.

Shape   online(settings) -> Finding, …, one line each; nothing is changed anywhere
Rights  of whoever asks: what `run` needs of topics and groups. Of transactional ids nobody tells beforehand
Bounds  a broker or registry that does not answer is waited for 10 to 15 s, then said; what hangs on it is left out
"""

from collections.abc import Iterator
from typing import NamedTuple

from adapters.access import Kind, Operation, Part, Right, rights_of
from adapters.provision import TopicAdmin, needed
from adapters.registry_extra import registry_of
from adapters.settings import Settings
from pipeline.cluster import Cluster
from pipeline.errors import PipelineError, TopicMissingError
from pipeline.topics import TopicSpec, differences


class Finding(NamedTuple):
    """A line, and whether it is as it should be."""

    fine: bool
    line: str


def online(settings: Settings) -> Iterator[Finding]:
    """Ask everybody."""
    for asked in (_brokers, _registry):
        try:
            yield from asked(settings)
        except PipelineError as error:
            yield Finding(fine=False, line=str(error))


def _brokers(settings: Settings) -> Iterator[Finding]:
    cluster = Cluster(settings.kafka)
    admin = TopicAdmin(cluster)
    admin.existing()
    yield Finding(fine=True, line=f"brokers {cluster.servers}: {admin.brokers} answer")
    rights = rights_of(Part.RUN, settings)
    yield from _topics(admin, needed(settings), [right for right in rights if right.kind is Kind.TOPIC])
    groups = [right.name for right in rights if right.kind is Kind.GROUP]
    refused = admin.refused_groups(groups)
    for name in groups:
        yield Finding(name not in refused, f"group {name}: {'no right to Read' if name in refused else 'ok'}")


def _topics(admin: TopicAdmin, specs: list[TopicSpec], rights: list[Right]) -> Iterator[Finding]:
    wanted: dict[str, list[Operation]] = {spec.name: [] for spec in specs}
    for right in rights:
        wanted.setdefault(right.name, []).append(right.operation)
    allowed = admin.allowed(list(wanted)) if wanted else {}
    readable = [name for name, may in allowed.items() if may is not None and Operation.DESCRIBE_CONFIGS.name in may]
    actual = admin.actual(readable)
    by_name = {spec.name: spec for spec in specs}
    for name, operations in wanted.items():
        spec = by_name.get(name)
        faults = [] if spec is None or name not in actual else differences(spec, actual[name])
        if name not in allowed:  # no redrive topic before the first redrive
            faults = [] if spec is None else [str(TopicMissingError(name))]
        elif lacking := _lacking(operations, allowed[name]):
            faults.insert(0, f"no right to {', '.join(lacking)}")
        if spec is not None or name in allowed:
            yield Finding(not faults, f"topic {name}: {'; '.join(faults) or 'ok'}")


def _lacking(wanted: list[Operation], may: frozenset[str] | None) -> list[Operation]:
    return [operation for operation in wanted if may is None or operation.name not in may]


def _registry(settings: Settings) -> Iterator[Finding]:
    registry = registry_of(settings)
    if registry is None or settings.schema_registry is None:
        return
    may_register = settings.schema_registry.auto_register
    for state in registry.states():
        name = f"schema {state.subject}"
        if state.schema_id is not None:
            yield Finding(fine=True, line=f"{name}: registered as {state.schema_id}")
        elif not state.compatible:
            yield Finding(fine=False, line=f"{name}: not registered, and not compatible with what is")
        elif may_register:
            yield Finding(fine=True, line=f"{name}: not registered yet, the registry would take it")
        else:
            yield Finding(
                fine=False, line=f"{name}: not registered; the registry would take it, `batch-events topics --apply`"
            )
