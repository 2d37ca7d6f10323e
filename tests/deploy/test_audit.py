"""What `make audit` makes of pip-audit's report; the report itself needs the public index's JSON API."""

import subprocess
import sys
from typing import Any

import pytest

from deploy.audit import verdict
from tests.deploy.places import TOP

FOUND = {"id": "CVE-2026-1", "fix_versions": ["6.0.4"], "aliases": ["GHSA-xxxx"]}
UNFIXED = {"id": "PYSEC-2026-2", "fix_versions": [], "aliases": []}


def looked_up(name: str, *found: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": "6.0.3", "vulns": list(found)}


def skipped(name: str) -> dict[str, Any]:
    return {"name": name, "skip_reason": f"Dependency not found on PyPI and could not be audited: {name} (1)"}


@pytest.mark.parametrize(
    ("dependencies", "status"),
    [
        ([looked_up("a"), looked_up("b")], 0),
        ([looked_up("a", FOUND), looked_up("b")], 1),
        ([looked_up("a", FOUND), skipped("b")], 1),
        ([looked_up("a"), skipped("b")], 2),
        ([looked_up("a")], 2),
        ([], 2),
    ],
)
def test_only_an_answer_about_every_distribution_is_a_pass(dependencies: list[dict[str, Any]], status: int) -> None:
    assert verdict({"dependencies": dependencies, "fixes": []}, {"a", "b"}).status == status


def test_what_is_known_is_told_with_all_its_names_and_the_versions_that_mend_it() -> None:
    known, unanswered = verdict({"dependencies": [looked_up("pyyaml", UNFIXED, FOUND)], "fixes": []}, {"pyyaml", "z"})
    assert known == ["pyyaml 6.0.3: CVE-2026-1 GHSA-xxxx, fixed in 6.0.4", "pyyaml 6.0.3: PYSEC-2026-2"]
    assert unanswered == ["z"]


def test_a_pip_audit_that_cannot_run_is_no_pass() -> None:
    """It is not among what developers have: it pins pip."""
    done = subprocess.run([sys.executable, "-m", "deploy.audit"], cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "No module named pip_audit" in done.stderr
    assert "NOT AUDITED: " in done.stderr
    assert not done.stdout
