"""kustomize, by itself or inside kubectl, whichever this machine has.

Shape   kustomize_build(folder) -> the resources it prints
Errors  CannotRun: there is neither, or kubectl's is older than the manifests need
"""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.brokers.tiers import CannotRun
from tests.deploy.manifests import Manifest, read_manifests

INSIDE_KUBECTL = "v5"
TIMEOUT_S = 60.0
HOW = (
    "overlays are not built: there is no kustomize, nor a kubectl with kustomize 5 "
    "(go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1 makes one)"
)


@cache
def kustomize_command() -> tuple[str, ...]:
    """What builds a folder that is named behind it."""
    if shutil.which("kustomize"):
        return ("kustomize", "build")
    if shutil.which("kubectl"):
        version = json.loads(_run("kubectl", "version", "--client", "--output=json"))
        if version.get("kustomizeVersion", "").startswith(INSIDE_KUBECTL):
            return ("kubectl", "kustomize")
    raise CannotRun(HOW)


def kustomize_build(folder: Path) -> list[Manifest]:
    """Build one kustomization."""
    return read_manifests(_run(*kustomize_command(), str(folder)))


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
