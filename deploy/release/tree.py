"""The tree that is released, as Git has it.

Shape   require_clean(top); require_untagged(top, tag); tracked(top) -> names; export(top, folder)
Errors  ReleaseError
"""

import tarfile
from pathlib import Path

from deploy.release.command import run
from deploy.release.errors import ReleaseError


def require_clean(top: Path) -> None:
    """What is built is what is committed."""
    changed = run("git", "status", "--porcelain", folder=top)
    if changed:
        raise ReleaseError(f"there are changes that are not committed:\n{changed.rstrip()}")


def require_untagged(top: Path, tag: str) -> None:
    """A tag that exists is never moved."""
    if run("git", "tag", "--list", tag, folder=top):
        raise ReleaseError(f"there is a tag {tag} already")


def tracked(top: Path) -> list[str]:
    """All files that are committed."""
    return run("git", "ls-tree", "-r", "--name-only", "HEAD", folder=top).splitlines()


def export(top: Path, folder: Path) -> None:
    """Lay the committed files into a folder."""
    archive = folder / "tree.tar"
    run("git", "archive", "--output", str(archive), "HEAD", folder=top)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    archive.unlink()
