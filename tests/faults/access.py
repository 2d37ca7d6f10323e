"""What the broker refuses: rights that are taken away while events flow, and given back; metadata that is too long."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they forgot __all__
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from tests.access.rights import EVERY
from tests.brokers.guarded import PASSWORD, PRINCIPAL, GuardedCluster, guarded_cluster
from tests.faults.case import Expect, case
from tests.faults.kill_points import CLOCKS, FAILING, unlucky
from tests.faults.scene import Scene
from tests.faults.streams import with_one_hot_job
from tests.harness.conduct import slowly


def acl(kind: ResourceType, name: str, operation: AclOperation, permission: AclPermissionType) -> AclBinding:
    """A right of the product's user, or the lack of it."""
    return AclBinding(kind, name, ResourcePatternType.LITERAL, PRINCIPAL, "*", operation, permission)


def as_user(scene: Scene) -> None:
    """From now on the product is a user with all rights it needs, and no super user."""
    assert isinstance(scene.cluster, GuardedCluster)
    password = scene.setting.folder / "password"
    password.write_text(PASSWORD)
    scene.setting.config["kafka"] |= scene.cluster.as_user(f"${{file:{password}}}")
    kinds = ResourceType.TOPIC, ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID
    create(scene, [acl(kind, "*", AclOperation.ALL, AclPermissionType.ALLOW) for kind in kinds])


def create(scene: Scene, rights: list[AclBinding]) -> None:
    """Give rights, or denials; the broker decides by them when this returns."""
    for done in scene.admin.create_acls(rights).values():
        done.result(20)
    scene.wait(lambda: set(rights) <= in_force(scene), "the rights to count")


def in_force(scene: Scene) -> set[AclBinding]:
    """All rights of the user; the broker answers from its authorizer, not from the log of changes."""
    found: list[AclBinding] = scene.admin.describe_acls(EVERY).result(20)
    return set(found)


def denial_of(kind: ResourceType, name: str, operation: AclOperation) -> AclBindingFilter:
    return AclBindingFilter(kind, name, ResourcePatternType.LITERAL, PRINCIPAL, "*", operation, AclPermissionType.DENY)


@contextmanager
def without(scene: Scene, kind: ResourceType, *names: str, operation: AclOperation) -> Iterator[None]:
    """Take a right away, and give it back."""
    denials = [acl(kind, name, operation, AclPermissionType.DENY) for name in names]
    create(scene, denials)
    yield
    given_back = [denial_of(kind, name, operation) for name in names]
    for done in scene.admin.delete_acls(given_back).values():
        done.result(20)
    scene.wait(lambda: not set(denials) & in_force(scene), "the rights to count again")


def until_quiet(scene: Scene) -> None:
    """Wait until no request comes any more."""
    seen: list[int] = []

    def quiet() -> bool:
        seen.append(len(scene.requests))
        return len(seen) > 10 and seen[-10] == seen[-1]

    scene.wait(quiet, "requests to cease", every_s=0.1)


GUARDED: dict[str, Any] = {"brokers": 1, "make": guarded_cluster, "clocks": CLOCKS}
SLOW = {"concurrency": 16}


def right_lost(scene: Scene, kind: ResourceType, name: str) -> None:
    """Lost while events flow; given back when the process has said so and has ceased to deliver."""
    as_user(scene)
    scene.publish(40)
    # Slower from then on: there must be something left when it has noticed, and requests until then.
    scene.sink.answer = lambda *_: slowly(0.1 if scene.accepted < 100 else 0.5)
    scene.start()
    scene.wait_accepted(100)
    with without(scene, kind, name, operation=AclOperation.ALL):
        scene.note_fault()
        scene.wait(lambda: scene.log_holds("not_ready", "refuses us"), "the process to say so")
        until_quiet(scene)
        assert scene.accepted < len(scene.sent), "it went on without an acknowledged commit"
    scene.sink.answer = lambda *_: 200
    scene.finish()


@case(
    "ACL lost and restored: the group",
    "The rights to a subscription's group are taken away while events flow: commits are refused, attempts cease, the "
    "process says who refuses what; once it may again it joins and goes on.",
    http=SLOW,
    **GUARDED,
)
def group_lost(scene: Scene) -> None:
    right_lost(scene, ResourceType.GROUP, scene.group)


@case(
    "ACL lost and restored: the event topic",
    "The same with the rights to the event topic, which is neither read nor committed meanwhile.",
    http=SLOW,
    **GUARDED,
)
def topic_lost(scene: Scene) -> None:
    right_lost(scene, ResourceType.TOPIC, scene.setting.event_topic)


@case(
    "ACL lost and restored: dead letters and held keys",
    "What is given up cannot be written, nor that a key is held: the commit stops before such events, other keys go "
    "on; once it may again nothing is missing.",
    http=FAILING,
    expect=Expect(letters=None),
    **GUARDED,
)
def writing_lost(scene: Scene) -> None:
    as_user(scene)
    scene.sink.answer = unlucky(503, 40, attempts=99)
    scene.publish_lines(with_one_hot_job(1_400))
    with without(scene, ResourceType.TOPIC, scene.held_topic, scene.dead_letters, operation=AclOperation.WRITE):
        scene.start()
        scene.wait(lambda: scene.log_holds("transaction_aborted", "TOPIC_AUTHORIZATION_FAILED"), "it to say so")
        scene.wait(lambda: len(scene.exhausted(3)) > 2, "events to be given up")
        assert not scene.letters()
        assert not scene.durable().held
        assert not settled(scene, scene.exhausted(3)), "committed without a dead letter"
    scene.finish()
    assert len(scene.letters()) == len({one.msg_id for one in scene.requests if one.status == 503})


def settled(scene: Scene, msg_ids: set[str]) -> list[str]:
    """Those of these messages that a successor would not send again."""
    state, places = scene.durable(), scene.places()
    return [one for one in msg_ids if state.settled(*places[one])]


@case(
    "started without rights",
    "The group may not be joined, then the event topic is hidden: a process that is started waits and says why; given "
    "the rights, each goes on.",
    **GUARDED,
)
def started_without(scene: Scene) -> None:
    as_user(scene)
    scene.publish(20)
    for kind, name, reason in (
        (ResourceType.GROUP, scene.group, "GROUP_AUTHORIZATION_FAILED"),
        (ResourceType.TOPIC, scene.setting.event_topic, scene.setting.event_topic),
    ):
        with without(scene, kind, name, operation=AclOperation.ALL):
            member = scene.start()
            member.wait_for_line("not_ready", "billing", reason)
            assert not scene.requests
            if kind is ResourceType.GROUP:
                assert scene.stop(member) == 0
    scene.finish()


@case(
    "metadata refused",
    "The broker takes 140 bytes of metadata with a commit, the map of what is settled beyond a gap needs more now and "
    "then: the map is cut, or attempts wait until it fits; everything goes on.",
    brokers=1,
    clocks=CLOCKS,
    http=FAILING,
    expect=Expect(letters=None),
    broker_config={"offset.metadata.max.bytes": "140"},
)
def metadata_refused(scene: Scene) -> None:
    failing = unlucky(503, 10, attempts=99)
    scene.sink.answer = lambda *call: failing(*call) if failing(*call) == 503 else slowly(0.02)
    scene.publish(60)
    member = scene.start()
    scene.wait(lambda: scene.all_arrived() and not scene.uncommitted(), "all to be delivered or given up", every_s=0.2)
    assert scene.log_holds("OFFSET_METADATA_TOO_LARGE"), "no commit was refused"
    assert len(scene.letters()) == len({one.msg_id for one in scene.requests if one.status == 503}) > 0
    scene.sink.answer = lambda *_: slowly(0.02)
    scene.publish(30, seed=2)
    scene.wait_accepted(scene.accepted + 200)
    scene.kill(member)
    scene.finish()
