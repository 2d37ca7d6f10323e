"""CHANGELOG.md at a release: what was unreleased gets the version and its date.

Shape   released(text, version, day) -> the new text, with an empty Unreleased above
Errors  ReleaseError: nothing is unreleased, or the version has been released already
Source  Keep a Changelog 1.1.0
"""

import re
from datetime import date

from deploy.release.errors import ReleaseError

HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
UNRELEASED = "Unreleased"


def released(text: str, version: str, day: date) -> str:
    """Move what is unreleased to the version."""
    headings = list(HEADING.finditer(text))
    titles = [one[1].strip() for one in headings]
    if titles.count(UNRELEASED) != 1 or titles[0] != UNRELEASED:
        raise ReleaseError(f"the changelog's first section is not {UNRELEASED!r}")
    if any(title.split()[0] == version for title in titles):
        raise ReleaseError(f"the changelog has a section of {version} already")
    end = headings[1].start() if headings[1:] else len(text)
    if not re.search(r"^- ", text[headings[0].end() : end], re.MULTILINE):
        raise ReleaseError("the changelog says of nothing that it is unreleased")
    return text[: headings[0].end()] + f"\n\n## {version} - {day.isoformat()}" + text[headings[0].end() :]
