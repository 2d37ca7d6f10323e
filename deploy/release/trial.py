"""The wheel in an environment of its own, with what the lock says and nothing else.

Shape   installed(wheel, source, folder) -> that environment's folder; tried(environment)
Errors  ReleaseError: it cannot be installed, or its command does not work
"""

import sys
from pathlib import Path

from deploy.release.command import run


def installed(wheel: Path, source: Path, folder: Path) -> Path:
    """Install the wheel as the image does: the lock with its hashes first, the wheel without dependencies then."""
    environment = folder / "environment"
    uv = (sys.executable, "-m", "uv", "--quiet")
    run(*uv, "venv", "--python", sys.executable, str(environment), folder=folder)
    into = (*uv, "pip", "install", "--python", str(environment / "bin" / "python"))
    run(*into, "--require-hashes", "--only-binary", ":all:", "-r", str(source / "requirements.lock"), folder=folder)
    run(*into, "--no-deps", "--no-index", str(wheel), folder=folder)
    return environment


def tried(environment: Path) -> None:
    """Run its command, from a folder that holds nothing of the source."""
    command = str(environment / "bin" / "batch-events")
    run(command, "--help", folder=environment)
    run(command, "demo", folder=environment)
