"""Schema versions live beside each other: the newest reads all, and the one before reads the newest.

The second is for rolling upgrades, where a new writer stands beside an old reader. test_avro_versions.py holds that a
released schema never changes.
"""

import copy
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from schemas.avro import LATEST, shipped_schemas
from schemas.events import Family
from tests.unit.schemas.compatibility import trouble

VERSIONS = {family: [one.text for one in shipped_schemas() if one.family is family] for family in Family}

Fields = list[dict[str, Any]]


def incompatible(versions: list[str]) -> list[str]:
    """What is wrong with a family's versions, oldest first."""
    newest = versions[-1]
    found = [
        f"version {number} is not read by the newest: {reason}"
        for number, text in enumerate(versions, 1)
        if (reason := trouble(text, newest))
    ]
    for before, after in pairwise(versions[-2:]):
        if reason := trouble(after, before):
            found.append(f"the newest is not read by the version before: {reason}")
    return found


@pytest.mark.parametrize("family", Family)
def test_the_newest_version_reads_all_and_is_read_by_the_one_before(family: Family) -> None:
    assert incompatible(VERSIONS[family]) == []


def changed(change: Callable[[Fields], None]) -> str:
    """A next version of the job's schema, with other fields in its Batch."""
    schema = copy.deepcopy(json.loads(LATEST[Family.JOB].text))
    change(next(field["type"] for field in schema["fields"] if field["name"] == "Batch")["fields"])
    return json.dumps(schema)


def of(fields: Fields, name: str) -> dict[str, Any]:
    return next(field for field in fields if field["name"] == name)


def renamed(fields: Fields) -> None:
    of(fields, "JobName")["name"] = "Name"


def removed(fields: Fields) -> None:
    fields.remove(of(fields, "JobId"))


def wanted_without_a_default(fields: Fields) -> None:
    fields.append({"name": "Weight", "type": "long"})


def of_another_type(fields: Fields) -> None:
    of(fields, "Priority")["type"] = ["null", "string"]


def no_longer_absent(fields: Fields) -> None:
    of(fields, "Zone")["type"] = "string"
    del of(fields, "Zone")["default"]


def wider(fields: Fields) -> None:
    """The newest reads the older, but not the reverse."""
    of(fields, "Priority")["type"] = ["null", "long", "string"]


def added_with_a_default(fields: Fields) -> None:
    fields.insert(-1, {"name": "Weight", "type": ["null", "double"], "default": None})


def without_one_that_may_be_absent(fields: Fields) -> None:
    fields.remove(of(fields, "Zone"))


BREAKING = (renamed, removed, wanted_without_a_default, of_another_type, no_longer_absent, wider)


@pytest.mark.parametrize("change", BREAKING)
def test_a_next_version_that_breaks_readers_is_found(change: Callable[[Fields], None]) -> None:
    assert incompatible([*VERSIONS[Family.JOB], changed(change)])


@pytest.mark.parametrize("change", [added_with_a_default, without_one_that_may_be_absent])
def test_a_next_version_that_all_can_live_with_is_none(change: Callable[[Fields], None]) -> None:
    assert incompatible([*VERSIONS[Family.JOB], changed(change)]) == []
