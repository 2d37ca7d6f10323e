"""The resources that are put to the test: the base's own files, and what kustomize makes of each overlay and component.

The files can be read anywhere; of kustomize's work only the generated ConfigMap is done here, without the hash in its
name. The overlays are patches, which mean nothing until kustomize has built them. A component is put where the README
says: into the kustomization of an overlay, or of each folder that an overlay is made of.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from tests.deploy.kustomize import kustomize_build
from tests.deploy.manifests import Manifest, read_manifests
from tests.deploy.places import BASE, DEPLOY

Source = Callable[[], list[Manifest]]

OVERLAYS = tuple(sorted(f"overlays/{one.name}" for one in (DEPLOY / "overlays").iterdir()))
COMPONENTS = tuple(sorted(one.name for one in (DEPLOY / "components").iterdir()))
PARTS = {"overlays/split": ("billing", "ops-queue")}
"""Folders of an overlay that take components, where it does not take them itself."""

THERE_ONCE = {"gateway"}
"""Components that an overlay takes itself, whatever it is made of."""

COMPOSITIONS = (
    *(("overlays/prod", one) for one in COMPONENTS),
    ("overlays/prod", "static-membership", "hpa"),
    ("overlays/prod", "static-membership", "keda", "pod-monitor"),
    ("overlays/split", "static-membership", "keda"),
    ("overlays/split", "hpa"),
    ("overlays/prod", "gateway", "static-membership", "keda", "pod-monitor"),
    ("overlays/split", "gateway", "hpa"),
)


@cache
def base_files() -> list[Manifest]:
    """What base/kustomization.yaml names, as it stands in the files."""
    kustomization = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    named = list(_named(BASE))
    tags = {one["name"]: one["newTag"] for one in kustomization["images"]}
    for one in named:
        for container in one["spec"]["template"]["spec"]["containers"] if one["kind"] in {"Deployment", "Job"} else []:
            container["image"] += ":" + tags[container["image"]]
    generated = [_config_map(**generator) for generator in kustomization["configMapGenerator"]]
    return named + generated


def _named(folder: Path) -> Iterator[Manifest]:
    for name in yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]:
        if (folder / name).is_dir():
            yield from _named(folder / name)
        else:
            yield from read_manifests((folder / name).read_text())


@cache
def built(folder: str, *components: str) -> list[Manifest]:
    """What kustomize makes of a folder of deploy/, with components."""
    with TemporaryDirectory() as copy:
        deploy = copy_of_deploy(Path(copy))
        for part in PARTS.get(folder, ("",)):
            own = [one for one in components if one not in THERE_ONCE]
            _take(deploy / folder / part / "kustomization.yaml", own, deploy)
        _take(deploy / folder / "kustomization.yaml", [one for one in components if one in THERE_ONCE], deploy)
        return kustomize_build(deploy / folder)


def copy_of_deploy(folder: Path) -> Path:
    """A copy that may be changed."""
    return shutil.copytree(DEPLOY, folder / "deploy", ignore=shutil.ignore_patterns("wheels"))


def _take(file: Path, components: Iterable[str], deploy: Path) -> None:
    kustomization = yaml.safe_load(file.read_text())
    up = "../" * len(file.parent.relative_to(deploy).parts)
    kustomization.setdefault("components", []).extend(f"{up}components/{one}" for one in components)
    file.write_text(yaml.safe_dump(kustomization))


def _config_map(name: str, files: list[str]) -> Manifest:
    data = {file: (BASE / file).read_text() for file in files}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _built(folder: str, *components: str) -> object:
    name = " + ".join((folder, *components))
    return pytest.param(partial(built, folder, *components), id=name, marks=pytest.mark.kustomize)


BUILT_OVERLAYS = [*map(_built, OVERLAYS), *(_built(*one) for one in COMPOSITIONS)]
SOURCES = [pytest.param(base_files, id="base files"), _built("base"), *BUILT_OVERLAYS]
