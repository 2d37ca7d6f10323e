"""Run a tool; a failure is what the tool said last.

Shape   run(*command, folder, **variables) -> its output
Errors  ReleaseError: it ended with another status than 0
"""

import os
import subprocess
from pathlib import Path

from deploy.release.errors import ReleaseError

TOLD_LINES = 20


def run(*command: str, folder: Path, **variables: str) -> str:
    """Run to the end, with some variables of the environment besides."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | variables)
    if done.returncode != 0:
        told = "\n".join((done.stdout + done.stderr).splitlines()[-TOLD_LINES:])
        raise ReleaseError(f"status {done.returncode} from {' '.join(command)}\n{told}")
    return done.stdout
