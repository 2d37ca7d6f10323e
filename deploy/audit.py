"""Are there known vulnerabilities in what the lock ships?

    make audit

Shape   verdict(report, asked) -> Verdict: what pip-audit reported, against what was asked; main() asks and says it
Status  0 each distribution was looked up and nothing is known; 1 something is known; 2 it cannot be said of all of them
Why     pip-audit calls it "No known vulnerabilities found", status 0, when it could look up nothing at all: it asks the
        public package index's JSON API, which many a mirror does not have
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from deploy.locks import installed_here

LOCK = Path(__file__).parents[1] / "requirements.lock"
TIMEOUT_S = 600.0
OPTIONS = ("--require-hashes", "--disable-pip", "--progress-spinner", "off", "--desc", "off", "--format", "json")


class Verdict(NamedTuple):
    """What is known, line by line, and of which distributions nothing could be learned."""

    known: list[str]
    unanswered: list[str]

    @property
    def status(self) -> int:
        """The exit status; what is known weighs more than what is not."""
        return 1 if self.known else 2 if self.unanswered else 0


def verdict(report: dict[str, Any], asked: set[str]) -> Verdict:
    """Judge pip-audit's JSON report."""
    looked_up = {one["name"]: one for one in report["dependencies"] if "vulns" in one}
    known = [f"{name} {one['version']}: {_told(found)}" for name, one in looked_up.items() for found in one["vulns"]]
    return Verdict(sorted(known), sorted(asked - looked_up.keys()))


def _told(found: dict[str, Any]) -> str:
    names = " ".join([found["id"], *found["aliases"]])
    return f"{names}, fixed in {' or '.join(found['fix_versions'])}" if found["fix_versions"] else names


def main() -> int:
    """Ask, and say what came of it."""
    asked = set(installed_here(LOCK))
    command = [sys.executable, "-m", "pip_audit", *OPTIONS, "--requirement", str(LOCK)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    try:
        found = verdict(json.loads(done.stdout), asked)
    except json.JSONDecodeError:
        print(done.stderr.strip().rpartition("\n")[2], file=sys.stderr)
        found = Verdict([], sorted(asked))
    for line in found.known:
        print(line)
    if found.unanswered:
        print(
            f"NOT AUDITED: {len(found.unanswered)} of {len(asked)} distributions ({', '.join(found.unanswered)}): "
            "the public index's JSON API, where pip-audit gets its data, did not answer for them",
            file=sys.stderr,
        )
    if found.status == 0:
        print(f"{len(asked)} distributions of {LOCK.name}: no known vulnerability")
    return found.status


if __name__ == "__main__":
    sys.exit(main())
