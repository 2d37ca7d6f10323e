"""Every line of every ```sh block of the runbooks is run, and prints what the runbook says that it prints."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import kubernetes_validate
import pytest

from tests.brokers.broker import Broker
from tests.brokers.pytest_plugin import refuse
from tests.brokers.tiers import CannotRun
from tests.deploy.manifests import Manifest, Pod, of_kind, pod_of, read_manifests, selects, the_only
from tests.deploy.places import DEPLOY
from tests.deploy.runbook.blocks import Section, not_told, pipeline, read_sections
from tests.deploy.runbook.kafka_tools import write_scripts
from tests.deploy.runbook.kubectl import OPERATOR_POD, Kubectl
from tests.deploy.runbook.lines import Lines, link_deploy
from tests.deploy.runbook.scene import TOPIC, Scene
from tests.deploy.sources import built
from tests.deploy.test_kubernetes_schemas import KUBERNETES
from tests.harness.sink import Sink

RUNBOOKS = sorted((DEPLOY / "runbook").glob("*.md"))
SECTIONS = [section for file in RUNBOOKS for section in read_sections(file)]


def nothing(_scene: Scene) -> None:
    """As the scene is."""


class Plan(NamedTuple):
    """What a section needs beside the common scene: what happened before, what `apply` brings, what must be so then."""

    before: Callable[[Scene], None] = nothing
    on_apply: Callable[[Scene], None] = nothing
    after: Callable[[Scene], None] = nothing


def removed(scene: Scene) -> None:
    scene.config["subscriptions"].remove(scene.http)


def with_24_partitions(scene: Scene) -> None:
    scene.config["topics"]["partitions"] = 24


def two_keys_sign(scene: Scene) -> None:
    """With the first `apply`; with the second one does, and meanwhile both did."""
    both = ["${BILLING_WEBHOOK_SECRET}", "${BILLING_WEBHOOK_SECRET_NEW}"]
    if isinstance(scene.http["signing_secret"], str):
        scene.http["signing_secret"] = both
    else:
        delivers(scene)
        assert scene.sink.requests[-1].headers["webhook-signature"].count("v1,") == 2
        scene.http["signing_secret"] = both[0]


def with_longer_lives(scene: Scene) -> None:
    scene.config["topics"]["retention_s"] = 864_000
    scene.http["max_age_s"] = 432_000


def without_offsets(scene: Scene) -> None:
    scene.stop()
    for name in ("billing", "ops-queue"):
        scene.delete_group(f"cmq.{TOPIC}.{name}")
    scene.start()


def without_held_topic(scene: Scene) -> None:
    scene.stop()
    scene.delete_topic(f"cmq.{TOPIC}.billing.held")


def without_event_topic(scene: Scene) -> None:
    scene.stop()
    scene.delete_topic(f"batch.{TOPIC}")


def delivers(scene: Scene) -> None:
    """What is published now arrives."""
    before = len([one for one in scene.sink.requests if one.accepted])
    scene.publish("SUCCEED")
    scene.until(lambda: len([one for one in scene.sink.requests if one.accepted]) >= before + 30, "the new events")


def with_a_user(scene: Scene) -> None:
    scene.add_user("batch-events")


def mended(scene: Scene) -> None:
    """What refused the letters refuses nothing more."""
    scene.sink.answer = lambda *_: 200


PLANS = {
    "Add partitions": Plan(on_apply=with_24_partitions, after=delivers),
    "An endpoint is gone, or dead for long": Plan(on_apply=with_longer_lives, after=delivers),
    "Remove a subscription": Plan(on_apply=removed),
    "Restore a lost cluster or event topic": Plan(without_event_topic, after=delivers),
    "Restore held keys that are lost": Plan(without_held_topic, after=delivers),
    "Restore offsets that are lost": Plan(without_offsets, after=delivers),
    "Rewind a subscription to a time": Plan(after=delivers),
    "Rotate Kafka credentials": Plan(with_a_user, after=delivers),
    "Rotate a signing key": Plan(on_apply=two_keys_sign, after=delivers),
    "Send dead letters again": Plan(mended, after=delivers),
    "Skip forward": Plan(after=delivers),
}
"""By heading. A section that is not here finds the scene as it is, and delivers when it is through."""


@pytest.fixture(scope="session")
def prod() -> list[Manifest]:
    return built("overlays/prod")


@pytest.fixture(scope="session")
def scripts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kafka-tools") / "bin"
    try:
        write_scripts(folder)
    except CannotRun as reason:
        refuse(request.node, str(reason))
    return folder


@pytest.fixture
def scene(broker: Broker, tmp_path: Path) -> Iterator[Scene]:
    with Sink() as sink:
        one = Scene(tmp_path, broker.bootstrap_servers, sink)
        try:
            one.prepare()
            yield one
        finally:
            one.close()
        assert not sink.errors


@pytest.mark.real_broker
@pytest.mark.native_cluster
@pytest.mark.kustomize
@pytest.mark.parametrize("section", [pytest.param(section, id=section.name) for section in SECTIONS])
def test_every_command_of_a_section_works_and_prints_what_it_says(
    section: Section, scene: Scene, prod: list[Manifest], scripts: Path
) -> None:
    plan = PLANS.get(section.heading, Plan(after=delivers))
    link_deploy(scene.folder)
    plan.before(scene)
    lines = Lines(scene, Kubectl(prod, scene.folder), scripts, plan.on_apply)
    printed = ""
    for block in section.blocks:
        printed += "".join(lines.run(command) for command in block.commands)
        if block.told is not None:
            assert (missing := not_told(block.told, printed)) is None, f"not printed: {missing}\n{printed}"
            printed = ""
    plan.after(scene)


@pytest.mark.kustomize
@pytest.mark.parametrize(
    "line",
    [
        "kubectl -n batch-events rollout restart deployment/batch-event",
        "kubectl -n elsewhere rollout restart deployment/batch-events",
        "kubectl rollout restart deployment/batch-events",
        "kubectl -n batch-events rollout restart deployment/batch-events --at-once",
        "kubectl -n batch-events rollout again deployment/batch-events",
        "kubectl -n batch-events get pods -l app.kubernetes.io/component=deliveries",
        "kubectl -n batch-events get secret batch-event",
        "kubectl apply -k deploy/overlays/production",
        "kubectl -n batch-events apply -f deploy/runbook/operator.yaml",
        """kubectl -n batch-events patch secret batch-events --patch '{"stringData":{"KAFKA_PASSPHRASE":"x"}}'""",
    ],
)
def test_a_kubectl_line_that_would_not_work_is_noticed(line: str, prod: list[Manifest], tmp_path: Path) -> None:
    link_deploy(tmp_path)
    with pytest.raises(AssertionError):
        Kubectl(prod, tmp_path).check(line)


def test_what_is_not_printed_or_in_another_order_is_noticed() -> None:
    printed = "one: 1\ntwo: 22\n"
    assert not_told(["one: …", "two: …2"], printed) is None
    assert not_told(["two: …", "one: …"], printed) == "one: …"
    assert not_told(["one"], printed) == "one"
    assert not_told([], printed) == printed
    assert not_told([], "") is None


def test_a_pipe_sign_in_quotes_parts_nothing() -> None:
    assert pipeline("logs | grep -E '\"(A|B)\"' | wc") == ["logs", "grep -E '\"(A|B)\"'", "wc"]


def test_every_plan_is_for_a_section_that_there_is() -> None:
    assert set(PLANS) <= {section.heading for section in SECTIONS}


@pytest.fixture
def operator_pod() -> Manifest:
    (pod,) = read_manifests(OPERATOR_POD.read_text())
    return pod


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_operators_pod_is_valid(operator_pod: Manifest, version: str) -> None:
    assert kubernetes_validate.validate(operator_pod, version, strict=True) == version


@pytest.mark.kustomize
def test_the_operators_pod_is_like_those_that_deliver_but_no_service_or_budget_counts_it(
    operator_pod: Manifest, prod: list[Manifest]
) -> None:
    delivering = pod_of(the_only(prod, "Deployment"))
    own = Pod("Pod", operator_pod["metadata"]["name"], operator_pod["metadata"]["labels"], operator_pod["spec"])
    for name in ("serviceAccountName", "automountServiceAccountToken", "enableServiceLinks", "securityContext"):
        assert own.spec[name] == delivering.spec[name]
    for name in ("image", "securityContext", "volumeMounts"):
        assert own.container[name] == delivering.container[name]
    assert own.literals == delivering.literals
    assert [one["secretRef"]["name"] for one in own.container["envFrom"]] == ["batch-events"]
    for one in prod:
        selector = one.get("spec", {}).get("selector")
        if selector is not None:
            assert not selects(selector.get("matchLabels", selector), own), one["kind"]
    policies = [one["spec"]["podSelector"]["matchLabels"] for one in of_kind(prod, "NetworkPolicy")]
    assert [selects(labels, own) for labels in policies].count(True) == 1
