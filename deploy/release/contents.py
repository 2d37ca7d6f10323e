"""What a wheel and an sdist must hold, and what they must not.

Shape   wheel_faults(names, source), sdist_faults(names, source) -> sentences, none if all is well. `names` are those
        inside the archive, `source` those of the tree that it was built from
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

PACKAGES = ("schemas", "pipeline", "adapters")
SHIPPED = (".py", ".avsc", "py.typed")
INFO = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
TOP_LEVEL = (
    *("README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md"),
    *("pyproject.toml", "Makefile", "requirements.lock", "requirements-dev.lock", ".dockerignore"),
)


def wheel_faults(names: Iterable[str], source: Iterable[str]) -> list[str]:
    """The packages with their types and schemas, and the dist-info; nothing else."""
    found = {_without_version(name) for name in names}
    packages = tuple(f"{one}/" for one in PACKAGES)
    shipped = {name for name in source if name.startswith(packages) and name.endswith(SHIPPED)}
    return _differences(found, shipped | {f"{one}py.typed" for one in packages} | {f"dist-info/{one}" for one in INFO})


def sdist_faults(names: Iterable[str], source: Iterable[str]) -> list[str]:
    """What builds, tests, documents and deploys it; nothing that was built or fetched."""
    inside = {str(PurePosixPath(*PurePosixPath(name).parts[1:])) for name in names}
    folders = tuple(f"{one}/" for one in (*PACKAGES, "tests", "deploy"))
    wanted = {name for name in source if name.startswith(folders)} | {*TOP_LEVEL, ".gitignore", "PKG-INFO"}
    return _differences(inside, wanted)


def _without_version(name: str) -> str:
    top, _, rest = name.partition("/")
    return f"dist-info/{rest}" if top.endswith(".dist-info") else name


def _differences(found: set[str], wanted: set[str]) -> list[str]:
    lacking = [f"lacks {name}" for name in sorted(wanted - found)]
    return lacking + [f"holds {name}" for name in sorted(found - wanted)]
