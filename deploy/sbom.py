"""The software bill of materials of an environment: CycloneDX JSON, the same for the same environment.

Shape   write_sbom(environment, pyproject, file, epoch_s); by itself, of the source as it is: make sbom
Errors  ReleaseError: the tool ended with an error; it checks what it wrote against CycloneDX's schema
Image   the Dockerfile calls the same tool with the same options
"""

import os
import sys
import tempfile
from pathlib import Path

from deploy.release.artifacts import build
from deploy.release.command import run
from deploy.release.trial import installed

TOP = Path(__file__).parents[1]
FILE = TOP / "dist" / "batch-events.cdx.json"
OPTIONS = ("environment", "--output-reproducible", "--spec-version", "1.6")


def write_sbom(environment: Path, pyproject: Path, file: Path, epoch_s: int) -> None:
    """Write down what is installed in an environment; the project is what it is about, epoch_s when it was so."""
    given = (*OPTIONS, "--pyproject", str(pyproject), "--output-file", str(file))
    command = (sys.executable, "-m", "cyclonedx_py", *given, str(environment / "bin" / "python"))
    run(*command, folder=file.parent, SOURCE_DATE_EPOCH=str(epoch_s), PYTHONHASHSEED="0")


def main() -> None:
    """The SBOM of this tree's wheel with what the lock says."""
    FILE.parent.mkdir(exist_ok=True)
    epoch_s = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        wheel = build(TOP, folder, epoch_s).wheel
        write_sbom(installed(wheel, TOP, folder), TOP / "pyproject.toml", FILE, epoch_s)
    print(FILE)


if __name__ == "__main__":
    main()
