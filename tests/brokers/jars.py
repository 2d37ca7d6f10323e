"""The jars of Kafka, fetched once through Maven and kept under .cache/kafka.

The folder's name carries a digest of the pom: another pom, another folder. It gets that name when it is
complete, so that a fetch that was broken off, or a second one at the same time, leaves nothing half done.
"""

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.brokers.tiers import CannotRun, Progress

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
CACHE = HERE.parents[1] / ".cache" / "kafka"
FETCH_TIMEOUT_S = 600.0


def kafka_version(pom: Path = POM) -> str:
    """Give the version of Kafka that the pom pins."""
    found = re.search(r"<kafka\.version>(.+)</kafka\.version>", pom.read_text())
    if not found:
        raise CannotRun(f"{pom} pins no kafka.version")
    return found.group(1)


def ensure_jars(progress: Progress, pom: Path = POM) -> Path:
    """Give the folder of a pom's jars, fetched now if need be; raise CannotRun if they cannot be had."""
    digest = hashlib.sha256(pom.read_bytes()).hexdigest()[:8]
    jars = CACHE / f"jars-{kafka_version(pom)}-{digest}"
    if not jars.is_dir():
        progress("fetching the Kafka jars through Maven")
        _fetch(pom, jars)
    return jars


def _fetch(pom: Path, jars: Path) -> None:
    maven = shutil.which("mvn")
    if not maven:
        raise CannotRun("the Kafka jars are not fetched yet and there is no Maven (mvn) to fetch them")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="fetching-") as scratch:
        unfinished = Path(scratch) / "jars"
        _copy_dependencies(maven, pom, unfinished)
        if not jars.is_dir():  # a second process may have been faster
            unfinished.rename(jars)


def _copy_dependencies(maven: str, pom: Path, folder: Path) -> None:
    command = [maven, "--quiet", "--batch-mode", "--strict-checksums", f"--file={pom}"]
    command += ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"Maven did not fetch the Kafka jars within {FETCH_TIMEOUT_S:.0f} s") from None
    if done.returncode != 0:
        raise CannotRun(f"Maven cannot fetch the Kafka jars: {_first_error(done.stdout)}")


def _first_error(output: str) -> str:
    errors = [line for line in output.splitlines() if "ERROR" in line]
    return (errors or output.splitlines() or ["it said nothing"])[0].strip()
