"""A release: what it decides, what it refuses, and the whole of it on a copy of this tree."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from email import message_from_bytes
from pathlib import Path

import pytest

from deploy.locks import installed_here, version_of
from deploy.release.artifacts import build, epoch_of
from deploy.release.changelog import released
from deploy.release.contents import sdist_faults, wheel_faults
from deploy.release.errors import ReleaseError
from deploy.release.version import PLACES, current, next_version, replaced
from tests.deploy.boms import read_bom
from tests.deploy.places import TOP, pyproject

DAY = date(2026, 1, 2)
CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- One.\n\n## 0.1.0 - 2025-12-01\n\n- Zero.\n"


def test_what_was_unreleased_gets_the_version_and_the_day() -> None:
    assert released(CHANGELOG, "0.2.0", DAY) == (
        "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-01-02\n\n### Added\n\n- One.\n\n"
        "## 0.1.0 - 2025-12-01\n\n- Zero.\n"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CHANGELOG.replace("- One.", ""), "says of nothing"),
        (CHANGELOG.replace("Unreleased", "0.3.0"), "first section"),
        (CHANGELOG.replace("0.1.0", "0.2.0"), "has a section of 0.2.0 already"),
        ("# Changelog\n", "first section"),
    ],
)
def test_a_changelog_that_cannot_be_released_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ReleaseError, match=reason):
        released(text, "0.2.0", DAY)


@pytest.mark.parametrize("wanted", ["0.9.0", "1.0", "1.0.0rc1", "v1.0.0", "1.0.01", "", "0.9.99"])
def test_a_version_is_three_numbers_and_never_goes_back(wanted: str) -> None:
    with pytest.raises(ReleaseError):
        next_version("0.10.0", wanted)


@pytest.mark.parametrize("wanted", ["0.10.0", "0.10.1", "0.11.0", "1.0.0"])
def test_a_version_may_stay_or_grow(wanted: str) -> None:
    assert next_version("0.10.0", wanted) == wanted


@pytest.mark.parametrize("file", PLACES)
def test_every_place_of_the_version_is_found_and_nothing_else_changes(file: str) -> None:
    old = (TOP / file).read_text()
    now = pyproject()["project"]["version"]
    new = replaced(old, PLACES[file], now, "77.88.99")
    assert new.count("77.88.99") == len(PLACES[file])
    assert new.replace("77.88.99", now) == old
    assert now not in new
    with pytest.raises(ReleaseError, match="0 times"):
        replaced(new, PLACES[file], now, "77.88.100")


SOURCE = ["schemas/a.py", "schemas/x.avsc", *(f"{one}/py.typed" for one in ("schemas", "pipeline", "adapters"))]
INFO = [f"b-1.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")]


@pytest.mark.parametrize("name", [*SOURCE, *INFO])
def test_a_wheel_that_lacks_something_is_refused(name: str) -> None:
    names = {*SOURCE, *INFO}
    assert wheel_faults(names, SOURCE) == []
    assert wheel_faults(names - {name}, SOURCE) == [f"lacks {name.replace('b-1.', '')}"]


def test_a_wheel_without_types_is_refused_though_the_source_has_none() -> None:
    source = [name for name in SOURCE if name != "adapters/py.typed"]
    assert wheel_faults([*source, *INFO], source) == ["lacks adapters/py.typed"]


@pytest.mark.parametrize("name", ["tests/a.py", "schemas/a.pyc", "deploy/sbom.py", "c-1.dist-info/METADATA.old"])
def test_a_wheel_that_holds_too_much_is_refused(name: str) -> None:
    assert len(wheel_faults([*SOURCE, *INFO, name], SOURCE)) == 1


def test_an_sdist_holds_what_is_committed_of_its_folders_and_no_more() -> None:
    with_tests = [*SOURCE, "tests/t.py", "deploy/Dockerfile", ".ci/run"]
    complete = [f"b-1/{name}" for name in _top_level() + with_tests[:-1]]
    assert sdist_faults(complete, with_tests) == []
    assert sdist_faults([*complete, "b-1/deploy/wheels/a.whl"], with_tests) == ["holds deploy/wheels/a.whl"]
    complete.remove("b-1/tests/t.py")
    assert sdist_faults(complete, with_tests) == ["lacks tests/t.py"]


def _top_level() -> list[str]:
    (lacking,) = [[one.removeprefix("lacks ") for one in sdist_faults([], [])]]
    assert {"SECURITY.md", "CHANGELOG.md", "requirements.lock"} <= set(lacking)
    return lacking


Git = Callable[..., str]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """This tree as a repository of its own, all of it committed."""
    copy = tmp_path / "tree"
    left = shutil.ignore_patterns(".git", ".venv", ".cache", "dist", "*.whl", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(TOP, copy, ignore=left)
    for command in ("init --quiet", "add --all", "commit --quiet --message all"):
        git(copy, *command.split())
    return copy


def git(tree: Path, *command: str) -> str:
    variables = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    names = {f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = os.environ | variables | names
    done = subprocess.run(["git", *command], cwd=tree, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def release(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.release", *arguments]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


def dirty(tree: Path) -> None:
    (tree / "pipeline" / "retry.py").write_text("changed")


def strewn(tree: Path) -> None:
    (tree / "pipeline" / "new.py").touch()


def tagged(tree: Path) -> None:
    git(tree, "tag", "v9.9.9")


def untold(tree: Path) -> None:
    committed(tree, "CHANGELOG.md", "## Unreleased\n", "## Unreleased\n\n## 0.0.9\n")


def unpackaged(tree: Path) -> None:
    committed(tree, "pyproject.toml", '["schemas", "pipeline", "adapters"]', '["schemas", "adapters"]')


def broken(tree: Path) -> None:
    committed(tree, "adapters/cli.py", "def main(", "raise SystemExit(5)\n\n\ndef main(")


def committed(tree: Path, file: str, old: str, new: str) -> None:
    text = (tree / file).read_text()
    assert old in text
    (tree / file).write_text(text.replace(old, new, 1))
    git(tree, "commit", "--quiet", "--all", "--message", "a change")


def fine(tree: Path) -> None:
    """Leave it as it is."""


@pytest.mark.git
@pytest.mark.parametrize(
    ("spoil", "arguments", "reason"),
    [
        (dirty, ["9.9.9"], "not committed"),
        (strewn, ["9.9.9"], "not committed"),
        (tagged, ["9.9.9"], "a tag v9.9.9 already"),
        (untold, ["9.9.9"], "says of nothing"),
        (unpackaged, ["9.9.9"], "the wheel lacks pipeline/asking.py"),
        (broken, ["9.9.9"], "batch-events --help"),
        (fine, ["0.0.1"], "is older"),
        (fine, ["9.9.9", "no-such-check"], "make no-such-check failed"),
    ],
)
def test_what_is_not_fit_for_release_is_refused_and_nothing_is_changed(
    tree: Path, spoil: Callable[[Path], None], arguments: list[str], reason: str
) -> None:
    spoil(tree)
    before = git(tree, "status", "--porcelain")
    done = release(tree, *arguments)
    assert done.returncode == 1, done
    assert done.stderr.partition("no release: ")[2], done.stderr
    assert reason in done.stderr
    assert git(tree, "status", "--porcelain") == before
    assert not (tree / "dist").exists()


def test_a_release_without_a_version_is_a_usage_error() -> None:
    done = release(TOP)
    assert done.returncode == 2
    assert "VERSION=" in done.stderr


@pytest.mark.git
def test_a_release_is_made_tried_and_laid_out_and_nothing_leaves_the_machine(tree: Path, tmp_path: Path) -> None:
    days = [datetime.now(UTC).date()]
    done = release(tree, "9.9.9", "python")
    days.append(datetime.now(UTC).date())
    assert done.returncode == 0, done

    assert set(git(tree, "diff", "--name-only").split()) == {*PLACES, "CHANGELOG.md"}
    assert git(tree, "tag") == ""
    assert git(tree, "rev-list", "--count", "HEAD").strip() == "1"
    assert current((tree / "pyproject.toml").read_text()) == "9.9.9"
    (day,) = {one for one in days if f"## 9.9.9 - {one.isoformat()}" in (tree / "CHANGELOG.md").read_text()}
    assert "git tag -s v9.9.9" in done.stdout

    wheel, bom, sdist = (f"batch_events-9.9.9{end}" for end in ("-py3-none-any.whl", ".cdx.json", ".tar.gz"))
    dist = {one.name: one.read_bytes() for one in (tree / "dist").iterdir()}
    sums = dict(line.split("  ")[::-1] for line in dist.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in dist.items()}
    assert set(dist) == {wheel, bom, sdist}

    again = tmp_path / "again"
    again.mkdir()
    os.utime(tree / "pyproject.toml", (1, 1))
    built = build(tree, again, epoch_of(day))
    assert built.wheel.read_bytes() == dist[wheel]
    assert built.sdist.read_bytes() == dist[sdist]

    with zipfile.ZipFile(built.wheel) as archive:
        metadata = message_from_bytes(archive.read("batch_events-9.9.9.dist-info/METADATA"))
    assert (metadata["Version"], metadata["License-Expression"]) == ("9.9.9", pyproject()["project"]["license"])

    listed = read_bom(dist[bom].decode())
    assert (listed.about["name"], listed.about["version"]) == ("batch-events", "9.9.9")
    pins = installed_here(TOP / "requirements.lock")
    assert listed.versions() == {name: version_of(one) for name, one in pins.items()}
    assert listed.unlicensed() == []
    assert listed.written == f"{day.isoformat()}T00:00:00+00:00"
    assert str(tmp_path) not in listed.text
