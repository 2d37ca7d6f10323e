"""Custom resources against the schemas of their CRDs, strictly: a field that the CRD does not know is refused.

Shape   crd_of(resource) -> its schema, None where it is no custom resource; validate(resource, crd)
Source  crds/*.yaml; the head of each says where it is from
"""

from functools import cache
from typing import Any

import jsonschema
import yaml

from tests.deploy.manifests import Manifest
from tests.deploy.places import TOP

CRDS = TOP / "tests" / "deploy" / "crds"


@cache
def _crds() -> dict[tuple[str, str], dict[str, Any]]:
    read = [yaml.safe_load(file.read_text()) for file in sorted(CRDS.glob("*.yaml"))]
    return {(f"{one['group']}/{one['version']}", one["kind"]): _strict(one["schema"]) for one in read}


def crd_of(resource: Manifest) -> dict[str, Any] | None:
    """The schema that it is held to."""
    return _crds().get((resource["apiVersion"], resource["kind"]))


def validate(resource: Manifest, crd: dict[str, Any]) -> None:
    """Raises jsonschema.ValidationError."""
    jsonschema.Draft7Validator(crd).validate(resource)


def _strict(node: Any) -> Any:
    """An OpenAPI schema as a JSON schema that takes no other fields; metadata is Kubernetes' own."""
    if isinstance(node, list):
        return [_strict(one) for one in node]
    if not isinstance(node, dict):
        return node
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    made = {name: _strict(value) for name, value in node.items()}
    if "properties" in node and isinstance(node["properties"], dict) and "type" in node:
        made.setdefault("additionalProperties", False)
    return made
