"""The image of this tree, really built: from the Dockerfile's own bases where a registry gives them, else from ours.

Shape   ensure_bases() -> Bases; built_image(bases, folder) -> Image, its context in folder; remove(image)
Offline the wheels are fetched out here, so that the build needs no package index
Errors  CannotRun: no base can be had. A build that fails is an assertion
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.brokers.engine import docker, last_line
from tests.brokers.tiers import CannotRun
from tests.deploy.dockerfile import read_dockerfile
from tests.deploy.places import DEPLOY, TOP

IMAGE = "batch-events-test/batch-events"
RECIPE = DEPLOY / "build_base_image.sh"
PULL_TIMEOUT_S = 180.0
BUILD_TIMEOUT_S = 600.0
CONTEXT = (".dockerignore", "pyproject.toml", "README.md", "LICENSE", "requirements.lock")
FOLDERS = ("schemas", "pipeline", "adapters", "deploy")


class Bases(NamedTuple):
    """What the image runs on and is built in."""

    base: str
    build: str


class Image(NamedTuple):
    """A built image, and what can build it again."""

    name: str
    bases: Bases
    context: Path

    def layers(self) -> list[str]:
        """The digests of its layers, uncompressed, the base's first."""
        return docker("image", "inspect", "--format", '{{join .RootFS.Layers "\\n"}}', self.name).split()

    def bytes_over_base(self) -> int:
        """What it adds to its base."""
        own, base = (
            int(docker("image", "inspect", "--format", "{{.Size}}", one)) for one in (self.name, self.bases.base)
        )
        return own - base


def built_image(bases: Bases, folder: Path) -> Image:
    """Build it from a copy of the tree."""
    context = folder / "context"
    context.mkdir()
    for name in CONTEXT:
        shutil.copy(TOP / name, context / name)
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "*.whl")
        shutil.copytree(TOP / name, context / name, ignore=ignored)
    fetch = ["bash", str(context / "deploy" / "fetch_wheels.sh"), bases.base]
    _run(fetch, PYTHON=sys.executable)
    return build(Image(IMAGE, bases, context))


def build(image: Image, *options: str) -> Image:
    """Build an image from its context, under its name."""
    arguments = {"BASE_IMAGE": image.bases.base, "BUILD_IMAGE": image.bases.build, "PIP_NO_INDEX": "1"}
    given = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
    context = str(image.context)
    _run(["docker", "build", "--file", f"{context}/deploy/Dockerfile", "--tag", image.name, *given, *options, context])
    return image


def remove(image: Image) -> None:
    """Remove an image, and with it the stage that it was built in."""
    docker("image", "rm", "--force", image.name)
    docker("image", "prune", "--force", "--filter", "label=batch-events.stage=build")


def _run(command: list[str], **variables: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False, env=os.environ | variables
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"


def ensure_bases() -> Bases:
    """Find or make what the image starts from."""
    name = f"batch-events-test/base:{hashlib.sha256(RECIPE.read_bytes()).hexdigest()[:8]}"
    ours = Bases(name, f"{name}-build")
    given = dict(one.rest.split("=") for one in read_dockerfile()[-1].head)
    official = Bases(given["BASE_IMAGE"], given["BASE_IMAGE"])
    for bases in official, ours:
        if all(docker("images", "--quiet", image) for image in bases):
            return bases
    try:
        docker("pull", "--quiet", official.base, timeout_s=PULL_TIMEOUT_S)
    except CannotRun as reason:
        _build_bases(ours, instead_of=str(reason))
        return ours
    return official


def _build_bases(ours: Bases, *, instead_of: str) -> None:
    command = ["bash", str(RECIPE), ours.base]
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise CannotRun(f"no base image: {instead_of}; and none can be built: {last_line(done.stderr)}")
