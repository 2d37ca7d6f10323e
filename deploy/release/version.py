"""The version: in pyproject.toml, and wherever else a file must say it.

Shape   current(pyproject) -> the version; next_version(current, wanted) -> wanted, if it may follow;
        PLACES, each file with what stands before the version in it; replaced(text, places, old, new) -> the new text
Errors  ReleaseError: no plain X.Y.Z, one that goes backwards, or a place that does not say the old version
"""

import re
import tomllib

from deploy.release.errors import ReleaseError

PLACES: dict[str, tuple[str, ...]] = {
    "pyproject.toml": ('version = "',),
    "deploy/Dockerfile": ("-t batch-events:", 'org.opencontainers.image.version="'),
    "deploy/base/kustomization.yaml": ("newTag: ",),
    "deploy/components/gateway/kustomization.yaml": ("newTag: ",),
    "deploy/overlays/split/kustomization.yaml": ("newTag: ",),
}
"""pyproject.toml is where the version is; tests hold the others to it."""

PLAIN = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def current(pyproject: str) -> str:
    """The version that the project has now."""
    version: str = tomllib.loads(pyproject)["project"]["version"]
    return version


def next_version(now: str, wanted: str) -> str:
    """The wanted version; that of now is one that was never released, which is for others to know."""
    if not PLAIN.fullmatch(wanted):
        raise ReleaseError(f"a version is three numbers, like 1.2.3: {wanted!r}")
    if _numbers(wanted) < _numbers(now):
        raise ReleaseError(f"{wanted} is older than the version of now, {now}")
    return wanted


def replaced(text: str, places: tuple[str, ...], old: str, new: str) -> str:
    """The text with the new version in each of its places."""
    for before in places:
        if text.count(before + old) != 1:
            raise ReleaseError(f"expected {before + old!r} once, found it {text.count(before + old)} times")
        text = text.replace(before + old, before + new)
    return text


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
