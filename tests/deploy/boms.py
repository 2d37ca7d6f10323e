"""A CycloneDX SBOM, held to its schema and read as what it lists.

Shape   read_bom(text) -> Bom
"""

import json
from typing import Any, NamedTuple

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name


class Bom(NamedTuple):
    """What it is about, when it was written, and what it is made of."""

    about: dict[str, Any]
    written: str
    components: list[dict[str, Any]]
    text: str

    def versions(self) -> dict[str, str]:
        """Each component's version."""
        assert len({one["name"] for one in self.components}) == len(self.components)
        return {canonicalize_name(one["name"]): one["version"] for one in self.components}

    def unlicensed(self) -> list[str]:
        """The components that have no licence, by any of the ways that CycloneDX has to say it."""
        return [one["name"] for one in self.components if not any(map(_licence, one.get("licenses", [])))]


def read_bom(text: str) -> Bom:
    """Read one, which is valid to the letter."""
    tree = json.loads(text)
    version = SchemaVersion.from_version(tree["specVersion"])
    assert JsonStrictValidator(version).validate_str(text) is None
    return Bom(tree["metadata"]["component"], tree["metadata"]["timestamp"], tree["components"], text)


def _licence(said: dict[str, Any]) -> str | None:
    named = said.get("license", {})
    told: str | None = said.get("expression") or named.get("id") or named.get("name")
    return told
