"""A Java that runs Kafka 4: 17 to 25, from JAVA_HOME, else from the PATH."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.brokers.tiers import CannotRun

OLDEST, NEWEST = 17, 25
TIMEOUT_S = 30.0


def find_java() -> Path:
    """Give the first java of a fitting version; raise CannotRun naming those that do not fit."""
    unfit = []
    for java in _candidates():
        version = _major_version(java)
        if OLDEST <= version <= NEWEST:
            return java
        unfit.append(f"{java} is version {version or 'unknown'}")
    raise CannotRun(f"no Java {OLDEST} to {NEWEST}: " + ("; ".join(unfit) or "none in JAVA_HOME or on the PATH"))


def _candidates() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").is_file():
        yield Path(home) / "bin" / "java"
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)


def _major_version(java: Path) -> int:
    """Give 17 for `openjdk version "17.0.15"`, 0 for what does not say."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', said.stderr)
    return int(found.group(1)) if found else 0
