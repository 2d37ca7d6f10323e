"""What the Dockerfile must keep, read from its text: the machine that runs this may have no engine to build it."""

import json
import re
import tomllib

from packaging.requirements import Requirement

from deploy.locks import pins, version_of
from deploy.sbom import OPTIONS
from tests.deploy.dockerfile import Stage, read_dockerfile
from tests.deploy.places import DEPLOY, TOP, pyproject


def stages() -> tuple[Stage, Stage]:
    build, final = read_dockerfile()
    return build, final


def test_what_it_starts_from_is_an_argument_with_an_exact_default() -> None:
    build, final = stages()
    assert build.last("FROM") == "${BUILD_IMAGE} AS build"
    assert final.last("FROM") == "${BASE_IMAGE}"
    defaults = dict(one.rest.split("=") for one in final.head)
    assert re.fullmatch(r"python:3\.1[123]-[a-z-]+", defaults.pop("BASE_IMAGE"))
    assert defaults == {"BUILD_IMAGE": "${BASE_IMAGE}"}


def test_whatever_is_installed_has_a_hash_or_is_our_own_wheel() -> None:
    build, _ = stages()
    installs = [
        one for run in build.all("RUN") for one in re.split(r"&&|;", run) if "pip" in one and " install " in one
    ]
    assert len(installs) == 3
    for one in installs:
        assert "--require-hashes" in one or {"--no-deps", "--no-index", "dist/*.whl"} <= set(one.split())


def test_the_final_stage_installs_nothing_and_takes_only_what_the_build_stage_made() -> None:
    _, final = stages()
    assert final.all("COPY") == ["--from=build /layer/ /"]
    assert not final.all("ADD")
    for run in final.all("RUN"):
        assert not re.search(r"\b(pip\d? |apt|apk|curl|wget|install\b)", run)


def test_the_image_runs_our_command_as_a_numbered_user_that_is_not_root() -> None:
    _, final = stages()
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", final.last("USER"))
    assert json.loads(final.last("ENTRYPOINT")) == ["/opt/batch-events/bin/batch-events"]
    assert json.loads(final.last("CMD"))[0] == "run"
    assert final.last("STOPSIGNAL") == "SIGTERM"


def test_the_sbom_is_made_as_that_of_a_release_is() -> None:
    build, _ = stages()
    (made,) = (one.split() for one in build.all("RUN") if "cyclonedx-py" in one)
    assert tuple(made[1 : 1 + len(OPTIONS)]) == OPTIONS
    assert made[made.index("--output-file") + 1] == "/opt/batch-events/sbom.cdx.json"


def test_nothing_needs_to_be_written_where_it_runs() -> None:
    build, final = stages()
    assert final.variables["PYTHONDONTWRITEBYTECODE"] == "1"
    assert "--invalidation-mode unchecked-hash" in " ".join(build.all("RUN"))
    assert not final.all("VOLUME")


def test_labels_tell_what_it_is() -> None:
    _, final = stages()
    project = pyproject()["project"]
    said = {name.removeprefix("org.opencontainers.image."): text for name, text in final.labels.items()}
    assert said == {
        "title": project["name"],
        "description": project["description"],
        "version": project["version"],
        "licenses": project["license"],
        "revision": "${REVISION}",
    }


def test_the_context_holds_what_the_build_copies_and_nothing_else() -> None:
    first, *rest = (line for line in (TOP / ".dockerignore").read_text().splitlines() if not line.startswith("#"))
    assert first == "*"
    let_in = {line.removeprefix("!") for line in rest if line.startswith("!")}
    build, _ = stages()
    copied = {source.rstrip("/") for one in build.all("COPY") for source in one.split()[:-1]}
    assert let_in == copied
    assert all((TOP / source).exists() for source in copied)


def test_the_wheel_is_built_with_what_the_project_asks_for() -> None:
    wanted = [
        Requirement(one) for one in tomllib.loads((TOP / "pyproject.toml").read_text())["build-system"]["requires"]
    ]
    pinned = pins(DEPLOY / "build.lock")
    for one in wanted:
        assert one.specifier.contains(version_of(pinned[one.name])), one
    assert (DEPLOY / "build.lock").read_text().count("--hash=sha256:") >= len(pinned)


def test_the_wheel_and_the_sbom_are_made_with_the_versions_that_developers_have() -> None:
    developers = pins(TOP / "requirements-dev.lock")
    for name, pin in pins(DEPLOY / "build.lock").items():
        assert version_of(developers[name]) == version_of(pin), name
