"""Every resource, strictly, against its CRD, or the schemas of the oldest and newest Kubernetes we say we run on."""

import copy

import jsonschema
import kubernetes_validate
import pytest

from tests.deploy.custom_resources import crd_of, validate
from tests.deploy.manifests import Manifest, the_only
from tests.deploy.sources import base_files, built

KUBERNETES = ("1.33", "1.37")


@pytest.mark.parametrize("version", KUBERNETES)
def test_resources_are_valid(resources: list[Manifest], version: str) -> None:
    for one in resources:
        if (crd := crd_of(one)) is not None:
            validate(one, crd)
            continue
        checked_against = kubernetes_validate.validate(one, version, strict=True)
        assert checked_against == version, one["kind"]


@pytest.mark.parametrize("version", KUBERNETES)
def test_a_misspelt_field_is_refused(version: str) -> None:
    deployment = copy.deepcopy(the_only(base_files(), "Deployment"))
    deployment["spec"]["template"]["spec"]["terminationGracePeriodSecond"] = 45
    with pytest.raises(kubernetes_validate.ValidationError, match="terminationGracePeriodSecond"):
        kubernetes_validate.validate(deployment, version, strict=True)


@pytest.mark.kustomize
@pytest.mark.parametrize(
    ("component", "kind", "misspelt"),
    [("keda", "ScaledObject", "minReplicas"), ("pod-monitor", "PodMonitor", "podMetricsEndpoint")],
)
def test_a_misspelt_field_of_a_custom_resource_is_refused(component: str, kind: str, misspelt: str) -> None:
    resource = copy.deepcopy(the_only(built("overlays/prod", component), kind))
    crd = crd_of(resource)
    assert crd is not None
    validate(resource, crd)
    resource["spec"][misspelt] = 2
    with pytest.raises(jsonschema.ValidationError, match=misspelt):
        validate(resource, crd)
