"""Three markers for what a machine may lack; where it does, a test is skipped loudly, or fails where nothing may be.

docker     the test builds or runs the image
git        the test makes a repository
kustomize  the test needs the overlays built
promtool   the test needs the alerts worked out
"""

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.brokers.engine import engine_answers
from tests.brokers.pytest_plugin import refuse
from tests.brokers.tiers import CannotRun
from tests.deploy.images import Bases, Image, built_image, ensure_bases, remove
from tests.deploy.kustomize import kustomize_command
from tests.deploy.manifests import Manifest
from tests.deploy.promtool import promtool_command
from tests.deploy.sources import SOURCES, Source


def git_command() -> str:
    """Where Git is."""
    found = shutil.which("git")
    if found is None:
        raise CannotRun("there is no git")
    return found


NEEDS: dict[str, Callable[[], object]] = {
    "docker": engine_answers,
    "git": git_command,
    "kustomize": kustomize_command,
    "promtool": promtool_command,
}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, probe in NEEDS.items():
        if item.get_closest_marker(marker) is not None:
            try:
                probe()
            except CannotRun as reason:
                refuse(item, str(reason))


@pytest.fixture(params=SOURCES)
def resources(request: pytest.FixtureRequest) -> list[Manifest]:
    """All that one kustomization amounts to."""
    source: Source = request.param
    return source()


@pytest.fixture(scope="session")
def bases(request: pytest.FixtureRequest) -> Bases:
    """What images start from here; they stay, to be found again."""
    try:
        return ensure_bases()
    except CannotRun as reason:
        refuse(request.node, str(reason))


@pytest.fixture(scope="session")
def image(bases: Bases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image of this very tree."""
    image = built_image(bases, tmp_path_factory.mktemp("image"))
    yield image
    remove(image)
