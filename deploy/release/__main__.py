"""Make a release out of what is committed.

    python -m deploy.release VERSION [CHECK…]       make release VERSION=1.2.3

Each CHECK is a target of the Makefile that must be green first. Then everything happens in a copy of the committed
files; the tree gets the new version and dist/ the artifacts only when all of it has gone well. Nothing is committed,
tagged or uploaded: the commands that do are printed.

Status  0 it is in dist/; 1 there is none, and the tree is as it was; 2 usage
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from deploy.release.artifacts import build, checked, epoch_of, write_sums
from deploy.release.changelog import released
from deploy.release.errors import ReleaseError
from deploy.release.tree import export, require_clean, require_untagged, tracked
from deploy.release.trial import installed, tried
from deploy.release.version import PLACES, current, next_version, replaced
from deploy.sbom import write_sbom

TOP = Path(__file__).parents[2]
CHANGELOG = "CHANGELOG.md"

NEXT = """
dist/ holds the release; the tree has the new version. What is left:

    git commit -a -m "Release {version}"
    git tag -s v{version} -m "batch-events {version}"
    git push origin HEAD v{version}
    docker build -f deploy/Dockerfile --build-arg REVISION=$(git rev-parse HEAD) -t batch-events:{version} .
    {uv} publish dist/*.tar.gz dist/*.whl
"""


def release(version: str, checks: Sequence[str], day: date) -> None:
    """All of it, in order."""
    require_clean(TOP)
    require_untagged(TOP, f"v{version}")
    edited = edited_files(version, day)
    for check in checks:
        require_green(check)
    with tempfile.TemporaryDirectory(prefix="batch-events-release.") as work:
        dist = made(edited, day, Path(work))
        keep(edited, dist)


def require_green(check: str) -> None:
    """Run a check, for all to see."""
    print(f"make {check}", flush=True)
    if subprocess.run(["make", "--no-print-directory", check], cwd=TOP, check=False).returncode != 0:
        raise ReleaseError(f"make {check} failed")


def edited_files(version: str, day: date) -> dict[str, str]:
    """The files that a new version changes, with their new text."""
    texts = {name: (TOP / name).read_text() for name in (*PLACES, CHANGELOG)}
    now = current(texts["pyproject.toml"])
    new = {name: replaced(texts[name], places, now, next_version(now, version)) for name, places in PLACES.items()}
    return new | {CHANGELOG: released(texts[CHANGELOG], version, day)}


def made(edited: dict[str, str], day: date, work: Path) -> Path:
    """Build and try it in a folder of its own; what was made."""
    source, dist = work / "source", work / "dist"
    source.mkdir()
    dist.mkdir()
    export(TOP, source)
    for name, text in edited.items():
        (source / name).write_text(text)
    print("building", flush=True)
    epoch_s = epoch_of(day)
    artifacts = build(source, dist, epoch_s)
    checked(artifacts, tracked(TOP))
    print(f"trying {artifacts.wheel.name}", flush=True)
    environment = installed(artifacts.wheel, source, work)
    tried(environment)
    sbom = dist / artifacts.sdist.name.replace(".tar.gz", ".cdx.json")
    write_sbom(environment, source / "pyproject.toml", sbom, epoch_s)
    write_sums(dist)
    return dist


def keep(edited: dict[str, str], dist: Path) -> None:
    """Put it into the tree; whatever dist/ held goes."""
    shutil.rmtree(TOP / "dist", ignore_errors=True)
    shutil.copytree(dist, TOP / "dist")
    for name, text in edited.items():
        (TOP / name).write_text(text)


def main(arguments: Sequence[str]) -> int:
    """Release, or say why not."""
    if not arguments:
        print("usage: make release VERSION=1.2.3", file=sys.stderr)
        return 2
    version, *checks = arguments
    try:
        release(version, checks, datetime.now(UTC).date())
    except ReleaseError as refusal:
        print(f"no release: {refusal}", file=sys.stderr)
        return 1
    print(NEXT.format(version=version, uv=".venv/bin/uv"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
