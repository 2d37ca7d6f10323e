"""A peer that is ready to run, and where what is built of it is kept.

The folder's name carries a digest of the sources: other sources, another folder. It gets that name when it is
complete. It lies outside the tree, under BATCH_EVENTS_CACHE or ~/.cache/batch-events.
"""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.brokers.tiers import CannotRun, Progress

BUILD_TIMEOUT_S = 1800.0


class Target(NamedTuple):
    """What a peer is to deliver, and where to."""

    servers: str
    topic: str
    group: str
    port: int


class Peer(NamedTuple):
    """A contender that is built."""

    name: str
    command: Callable[[Target], list[str]]


def kept(sources: Path, build: Callable[[Path], None], progress: Progress) -> Path:
    """Give the folder that build fills, filled now if need be."""
    digest = hashlib.sha256()
    for source in sorted(path for path in sources.iterdir() if path.is_file()):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    cache = Path(os.environ.get("BATCH_EVENTS_CACHE") or Path.home() / ".cache" / "batch-events") / "peers"
    folder = cache / f"{sources.name}-{digest.hexdigest()[:8]}"
    if not folder.is_dir():
        progress(f"building {sources.name}: minutes, once")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as scratch:
            unfinished = Path(scratch) / "done"
            unfinished.mkdir()
            build(unfinished)
            if not folder.is_dir():  # a second process may have been faster
                unfinished.rename(folder)
    return folder


def must_run(command: Sequence[str | Path], cwd: Path) -> None:
    """Run a step of a build; raise CannotRun, with its last line, if it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotRun(f"{command[0]} did not end within {BUILD_TIMEOUT_S:.0f} s") from None
    if done.returncode != 0:
        raise CannotRun(f"{command[0]} failed: {(done.stdout.strip().splitlines() or ['it said nothing'])[-1]}")
