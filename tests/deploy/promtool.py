"""Prometheus's own judge of rules.

Shape   promtool(folder, args) -> what it says, ended well or not
Errors  CannotRun: there is none
"""

import shutil
import subprocess
from pathlib import Path

from tests.brokers.tiers import CannotRun

TIMEOUT_S = 60.0
HOW = "alerts are not worked out: there is no promtool (Debian's package prometheus has it)"


def promtool_command() -> str:
    """Where it is."""
    found = shutil.which("promtool")
    if found is None:
        raise CannotRun(HOW)
    return found


def promtool(folder: Path, *args: str) -> tuple[int, str]:
    """Run it in a folder; its status and all that it says."""
    done = subprocess.run(
        [promtool_command(), *args], cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    return done.returncode, done.stdout + done.stderr
