"""A lock file's pins.

Shape   pins(lock) -> {name: Requirement}; installed_here(lock), those of them that this machine installs;
        version_of(requirement) -> the one version that it allows
"""

import re
from pathlib import Path

from packaging.requirements import Requirement

PIN = re.compile(r"^[A-Za-z0-9][^\\\n]*==[^\\\n]*", re.MULTILINE)


def pins(lock: Path) -> dict[str, Requirement]:
    """What a lock names, each with its exact version and the marker that says where it is installed."""
    requirements = map(Requirement, PIN.findall(lock.read_text()))
    return {one.name: one for one in requirements}


def installed_here(lock: Path) -> dict[str, Requirement]:
    """Those that this platform and this Python install."""
    return {name: one for name, one in pins(lock).items() if one.marker is None or one.marker.evaluate()}


def version_of(pin: Requirement) -> str:
    """The exact version."""
    (only,) = pin.specifier
    return only.version
