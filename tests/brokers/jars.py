"""The jars of Kafka, and of any other pom of the tests, fetched once through Maven and kept under .cache.

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
CACHE = HERE.parents[1] / ".cache"
FETCH_TIMEOUT_S = 600.0


def kafka_version(pom: Path = POM) -> str:
    """Give the version of Kafka that the pom pins."""
    found = re.search(r"<kafka\.version>(.+)</kafka\.version>", pom.read_text())
    if not found:
        raise CannotRun(f"{pom} pins no kafka.version")
    return found.group(1)


def ensure_jars(progress: Progress, pom: Path = POM) -> Path:
    """Give the folder of a pom's Kafka jars, fetched now if need be; raise CannotRun if they cannot be had."""
    return jars_of(pom, f"kafka/jars-{kafka_version(pom)}", "the Kafka jars", progress)


def jars_of(pom: Path, stem: str, what: str, progress: Progress) -> Path:
    """Give the folder of what a pom asks for, under .cache and named after the stem, as ensure_jars does."""
    digest = hashlib.sha256(pom.read_bytes()).hexdigest()[:8]
    jars = CACHE / f"{stem}-{digest}"
    if not jars.is_dir():
        progress(f"fetching {what} through Maven")
        _fetch(pom, jars, what)
    return jars


def _fetch(pom: Path, jars: Path, what: str) -> None:
    maven = shutil.which("mvn")
    if not maven:
        raise CannotRun(f"{what} are not fetched yet and there is no Maven (mvn) to fetch them")
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix="fetching-") as scratch:
        unfinished = Path(scratch) / "jars"
        _copy_dependencies(maven, pom, unfinished, what)
        if not jars.is_dir():  # a second process may have been faster
            unfinished.rename(jars)


def _copy_dependencies(maven: str, pom: Path, folder: Path, what: str) -> None:
    command = [maven, "--quiet", "--batch-mode", "--strict-checksums", f"--file={pom}"]
    command += ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"Maven did not fetch {what} within {FETCH_TIMEOUT_S:.0f} s") from None
    if done.returncode != 0:
        raise CannotRun(f"Maven cannot fetch {what}: {_first_error(done.stdout)}")


def _first_error(output: str) -> str:
    errors = [line for line in output.splitlines() if "ERROR" in line]
    return (errors or output.splitlines() or ["it said nothing"])[0].strip()
