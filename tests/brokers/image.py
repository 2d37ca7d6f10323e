"""The image of the container tier: Apache's own where it can be had, else one that is built here.

Shape   ensure_image(progress) -> the name of an image that the engine has
Errors  CannotRun: no engine, no registry that answers in time, and no way to build one
Source  build_image.sh has the recipe; both images take the same KAFKA_* variables
"""

import hashlib
import subprocess
from pathlib import Path

from tests.brokers.engine import docker, engine_answers, last_line
from tests.brokers.jars import HERE, POM, ensure_jars, kafka_version
from tests.brokers.tiers import CannotRun, Progress

PULL_TIMEOUT_S = 180.0
BUILD_TIMEOUT_S = 900.0
RECIPE = (POM, HERE / "build_image.sh", HERE / "image_entry.sh", HERE / "log4j2.properties")


def ensure_image(progress: Progress) -> str:
    """Give an image that is local already, else pull Apache's, else build ours."""
    engine_answers()
    official, ours = f"apache/kafka:{kafka_version()}", our_image()
    for image in (official, ours):
        if docker("images", "--quiet", image):
            return image
    try:
        progress(f"pulling {official}")
        docker("pull", "--quiet", official, timeout_s=PULL_TIMEOUT_S)
    except CannotRun as reason:
        _build(ours, progress, instead_of=str(reason))
        return ours
    return official


def our_image() -> str:
    """Name the image that is built here; its tag has a digest of the recipe, so that a new one is built anew."""
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in RECIPE)).hexdigest()[:8]
    return f"batch-events-test/apache-kafka:{kafka_version()}-{digest}"


def _build(image: str, progress: Progress, *, instead_of: str) -> None:
    jars = ensure_jars(progress)
    progress("no registry gives the image, building one")
    try:
        _run_recipe(image, jars)
    except CannotRun as reason:
        raise CannotRun(f"no image: {instead_of}; and none can be built: {reason}") from None


def _run_recipe(image: str, jars: Path) -> None:
    command = ["bash", str(HERE / "build_image.sh"), image, str(jars)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"build_image.sh took longer than {BUILD_TIMEOUT_S:.0f} s") from None
    if done.returncode != 0:
        raise CannotRun(last_line(done.stderr))
