"""The sdist, and the wheel that is built from it: so nothing that the wheel needs can be missing in the sdist.

Shape   build(source, dist, epoch_s) -> Artifacts; checked(artifacts, source names); epoch_of(day); write_sums(dist)
Same    the same source on the same day gives the same bytes: every time in them is the start of that day in UTC
Errors  ReleaseError: it cannot be built, holds too little or too much, or its metadata are not valid
"""

import hashlib
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import NamedTuple

from packaging.metadata import Metadata

from deploy.release.command import run
from deploy.release.contents import sdist_faults, wheel_faults
from deploy.release.errors import ReleaseError

SUMS = "SHA256SUMS"


class Artifacts(NamedTuple):
    """What was built."""

    sdist: Path
    wheel: Path


def epoch_of(day: date) -> int:
    """The day's first second."""
    return int(datetime.combine(day, time(), UTC).timestamp())


def build(source: Path, dist: Path, epoch_s: int) -> Artifacts:
    """Build both into a folder."""
    _hatchling("sdist", source, dist, epoch_s)
    (sdist,) = dist.glob("*.tar.gz")
    with tempfile.TemporaryDirectory() as work:
        with tarfile.open(sdist) as tar:
            tar.extractall(work, filter="data")
        (unpacked,) = Path(work).iterdir()
        _hatchling("wheel", unpacked, dist, epoch_s)
    (wheel,) = dist.glob("*.whl")
    return Artifacts(sdist, wheel)


def checked(artifacts: Artifacts, source: Iterable[str]) -> None:
    """Refuse what holds too little or too much, or what no index would take."""
    source = list(source)
    with tarfile.open(artifacts.sdist) as tar:
        in_sdist = [one.name for one in tar if one.isfile()]
    with zipfile.ZipFile(artifacts.wheel) as archive:
        in_wheel = archive.namelist()
        (metadata,) = (archive.read(name) for name in in_wheel if name.endswith(".dist-info/METADATA"))
    Metadata.from_email(metadata, validate=True)
    faults = [f"the sdist {one}" for one in sdist_faults(in_sdist, source)]
    faults += [f"the wheel {one}" for one in wheel_faults(in_wheel, source)]
    if faults:
        raise ReleaseError("\n".join(faults))


def write_sums(dist: Path) -> None:
    """The hash of every file there, as sha256sum writes and checks them."""
    lines = [f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.name}\n" for one in sorted(dist.iterdir())]
    (dist / SUMS).write_text("".join(lines))


def _hatchling(target: str, source: Path, dist: Path, epoch_s: int) -> None:
    command = (sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(dist))
    run(*command, folder=source, SOURCE_DATE_EPOCH=str(epoch_s), PYTHONHASHSEED="0")
