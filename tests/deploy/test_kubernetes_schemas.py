"""Every resource, strictly, against the published schemas of the oldest and the newest Kubernetes we say we run on."""

import copy

import kubernetes_validate
import pytest

from tests.deploy.manifests import Manifest, the_only
from tests.deploy.sources import base_files

KUBERNETES = ("1.33", "1.37")


@pytest.mark.parametrize("version", KUBERNETES)
def test_resources_are_valid(resources: list[Manifest], version: str) -> None:
    for one in resources:
        checked_against = kubernetes_validate.validate(one, version, strict=True)
        assert checked_against == version, one["kind"]


@pytest.mark.parametrize("version", KUBERNETES)
def test_a_misspelt_field_is_refused(version: str) -> None:
    deployment = copy.deepcopy(the_only(base_files(), "Deployment"))
    deployment["spec"]["template"]["spec"]["terminationGracePeriodSecond"] = 45
    with pytest.raises(kubernetes_validate.ValidationError, match="terminationGracePeriodSecond"):
        kubernetes_validate.validate(deployment, version, strict=True)
