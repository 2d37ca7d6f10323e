"""Reading Kubernetes resources: plain trees, and the few ways through them that several tests take."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import yaml

Manifest = dict[str, Any]


class Pod(NamedTuple):
    """What a Deployment or Job starts."""

    owner: str
    labels: dict[str, str]
    spec: dict[str, Any]

    @property
    def container(self) -> dict[str, Any]:
        """The one container; there are no others, of any kind."""
        assert "initContainers" not in self.spec
        (container,) = self.spec["containers"]
        found: dict[str, Any] = container
        return found

    @property
    def references(self) -> dict[str, tuple[str, str]]:
        """Environment variables that come from a Secret: its name and the key in it."""
        secret = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in self.container["env"] if "valueFrom" in one}
        return {name: (reference["name"], reference["key"]) for name, reference in secret.items()}

    @property
    def literals(self) -> dict[str, str]:
        """Environment variables that stand in the manifest."""
        return {one["name"]: one["value"] for one in self.container["env"] if "valueFrom" not in one}


def read_manifests(text: str) -> list[Manifest]:
    """All documents of a YAML text."""
    return [document for document in yaml.safe_load_all(text) if document is not None]


def of_kind(resources: Iterable[Manifest], kind: str) -> list[Manifest]:
    """Those of one kind."""
    return [one for one in resources if one["kind"] == kind]


def the_only(resources: Iterable[Manifest], kind: str) -> Manifest:
    """The one of its kind."""
    (one,) = of_kind(resources, kind)
    return one


def pods(resources: Iterable[Manifest]) -> list[Pod]:
    """What all Deployments and Jobs start."""
    templates = {one["kind"]: one["spec"]["template"] for one in resources if one["kind"] in {"Deployment", "Job"}}
    assert set(templates) == {"Deployment", "Job"}
    return [Pod(kind, one["metadata"]["labels"], one["spec"]) for kind, one in templates.items()]


def pod_of(resources: Iterable[Manifest], kind: str) -> Pod:
    """What the Deployment, or the Job, starts."""
    (pod,) = (pod for pod in pods(resources) if pod.owner == kind)
    return pod


def selects(selector: dict[str, str], pod: Pod) -> bool:
    """Whether labels select a pod."""
    return selector.items() <= pod.labels.items()


def configuration(resources: Iterable[Manifest], pod: Pod) -> str:
    """The batch-events.yaml that a pod finds where BATCH_EVENTS_CONFIG points."""
    (volume,) = pod.spec["volumes"]
    (mount,) = pod.container["volumeMounts"]
    assert mount["name"] == volume["name"]
    (config,) = (
        one for one in of_kind(resources, "ConfigMap") if one["metadata"]["name"] == volume["configMap"]["name"]
    )
    ((name, text),) = config["data"].items()
    assert pod.literals["BATCH_EVENTS_CONFIG"] == f"{mount['mountPath']}/{name}"
    found: str = text
    return found
