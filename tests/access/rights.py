"""A cluster that asks for rights, with one user of ours, and giving and taking those rights one by one.

Shape   Rights(cluster): give(rights), take(right); each returns when the broker decides by it
"""

from collections.abc import Iterable
from typing import Any

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they forgot __all__
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from adapters.access import Kind, Operation, Right
from tests.brokers.guarded import PRINCIPAL, GuardedCluster
from tests.harness.command import wait_until

ANSWER_S = 20.0

KINDS = {
    Kind.TOPIC: ResourceType.TOPIC,
    Kind.GROUP: ResourceType.GROUP,
    Kind.TRANSACTIONAL_ID: ResourceType.TRANSACTIONAL_ID,
}
OPERATIONS = {
    Operation.ALTER_CONFIGS: AclOperation.ALTER_CONFIGS,
    Operation.CREATE: AclOperation.CREATE,
    Operation.DELETE: AclOperation.DELETE,
    Operation.DESCRIBE: AclOperation.DESCRIBE,
    Operation.DESCRIBE_CONFIGS: AclOperation.DESCRIBE_CONFIGS,
    Operation.READ: AclOperation.READ,
    Operation.WRITE: AclOperation.WRITE,
}
ANY: Any = None  # of names; typed as if it had to be text
EVERY = AclBindingFilter(
    ResourceType.ANY, ANY, ResourcePatternType.ANY, PRINCIPAL, ANY, AclOperation.ANY, AclPermissionType.ANY
)


def _parts(right: Right) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    pattern = ResourcePatternType.PREFIXED if right.prefixed else ResourcePatternType.LITERAL
    allow = AclPermissionType.ALLOW
    return KINDS[right.kind], right.name, pattern, PRINCIPAL, "*", OPERATIONS[right.operation], allow


class Rights:
    """Of the one user. We ourselves are a super user, on the other listener."""

    def __init__(self, cluster: GuardedCluster) -> None:
        self._admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers, "log_level": 0})

    def only(self, rights: Iterable[Right]) -> None:
        """These, and no others."""
        for done in self._admin.delete_acls([EVERY]).values():
            done.result(ANSWER_S)
        wait_until(lambda: not self._all(), "no right to be left")
        self.give(rights)

    def give(self, rights: Iterable[Right]) -> None:
        """These too."""
        wanted = [AclBinding(*_parts(right)) for right in dict.fromkeys(rights)]
        for done in self._admin.create_acls(wanted).values() if wanted else ():
            done.result(ANSWER_S)
        wait_until(lambda: set(wanted) <= set(self._all()), "the rights to count")

    def _all(self) -> list[AclBinding]:
        """What the broker decides by: it answers from its authorizer, not from the log of changes."""
        found: list[AclBinding] = self._admin.describe_acls(EVERY).result(ANSWER_S)
        return found
