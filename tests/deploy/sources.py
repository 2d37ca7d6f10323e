"""The resources that are put to the test: the base's own files, and what kustomize makes of each folder.

The files can be read anywhere; of kustomize's work only the generated ConfigMap is done here, without the hash in its
name. The overlays are patches, which mean nothing until kustomize has built them.
"""

from collections.abc import Callable
from functools import cache, partial

import pytest
import yaml

from tests.deploy.kustomize import kustomize_build
from tests.deploy.manifests import Manifest, read_manifests
from tests.deploy.places import BASE, DEPLOY

Source = Callable[[], list[Manifest]]

OVERLAYS = ("overlays/dev", "overlays/prod")


@cache
def base_files() -> list[Manifest]:
    """What base/kustomization.yaml names, as it stands in the files."""
    kustomization = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    named = [one for file in kustomization["resources"] for one in read_manifests((BASE / file).read_text())]
    tags = {one["name"]: one["newTag"] for one in kustomization["images"]}
    for one in named:
        for container in one["spec"]["template"]["spec"]["containers"] if one["kind"] in {"Deployment", "Job"} else []:
            container["image"] += ":" + tags[container["image"]]
    generated = [_config_map(**generator) for generator in kustomization["configMapGenerator"]]
    return named + generated


@cache
def built(folder: str) -> list[Manifest]:
    """What kustomize makes of a folder of deploy/."""
    return kustomize_build(DEPLOY / folder)


def _config_map(name: str, files: list[str]) -> Manifest:
    data = {file: (BASE / file).read_text() for file in files}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _built(folder: str) -> object:
    return pytest.param(partial(built, folder), id=folder, marks=pytest.mark.kustomize)


SOURCES = [pytest.param(base_files, id="base files"), *map(_built, ("base", *OVERLAYS))]
BUILT_OVERLAYS = [_built(folder) for folder in OVERLAYS]
