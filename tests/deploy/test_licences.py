"""Whatever we ship or work with may be used as we use it: read from the installed packages' own metadata."""

import re
from email.message import Message
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from typing import cast

import pytest

from deploy.locks import installed_here
from tests.deploy.licences import declared, permitted
from tests.deploy.places import DEPLOY, TOP

ALLOWED = frozenset({"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0"})

EXCEPTIONS = {
    "certifi": ("MPL-2.0", "shipped as it is; its licence holds for its own files, which we do not change"),
    "fqdn": ("MPL-2.0", "checks the SBOM while it is built; not shipped"),
    "hypothesis": ("MPL-2.0", "tests only; not shipped"),
    "pathspec": ("MPL-2.0", "builds the wheel; not shipped"),
}

LOCKS = {"shipped": TOP / "requirements.lock", "developers'": TOP / "requirements-dev.lock"}


def licences(lock: str) -> dict[str, str | None]:
    found = {}
    for name in installed_here(LOCKS[lock]):
        try:
            found[name] = declared(metadata(name))
        except PackageNotFoundError:
            found[name] = "not installed: run make .venv/.ready"
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_distribution_has_an_allowed_licence_or_a_reasoned_exception(lock: str) -> None:
    refused = {
        name: licence
        for name, licence in licences(lock).items()
        if licence is None or not (permitted(licence, ALLOWED) or EXCEPTIONS.get(name, ("", ""))[0] == licence)
    }
    assert refused == {}


def test_no_exception_is_left_that_nothing_needs() -> None:
    needed = {name: licence for name, licence in licences("developers'").items() if name in EXCEPTIONS}
    assert needed == {name: licence for name, (licence, _) in EXCEPTIONS.items()}


def test_the_table_of_licences_is_that_of_what_is_shipped() -> None:
    text = (DEPLOY / "licences.md").read_text()
    rows = [re.split(r" *\| *", line.strip("| \n")) for line in text.splitlines() if line.startswith("| ")]
    (start, end) = (index for index, row in enumerate(rows) if row[0] in {"distribution", "in"})
    told = {name: licence for name, licence, _ in rows[start + 1 : end]}
    assert told == licences("shipped")
    assert list(told) == sorted(told)


def test_the_table_names_the_allowed_licences() -> None:
    text = " ".join((DEPLOY / "licences.md").read_text().split())
    (said,) = re.findall(r"Allowed are (.*?);", text)
    assert set(re.split(", | and ", said)) == ALLOWED


def metadata_of(*fields: tuple[str, str]) -> PackageMetadata:
    message = Message()
    for name, text in fields:
        message[name] = text
    return cast("PackageMetadata", message)


OSI = "License :: OSI Approved"


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ([("License-Expression", "mit or apache-2.0"), ("License", "BSD-3-Clause")], "MIT OR Apache-2.0"),
        ([("License", "Apache License 2.0")], "Apache-2.0"),
        ([("License", "UNKNOWN"), ("Classifier", f"{OSI} :: ISC License (ISCL)")], "ISC"),
        ([("Classifier", "Topic :: Internet"), ("Classifier", f"{OSI} :: MIT License")], "MIT"),
        ([("Classifier", f"{OSI} :: MIT License"), ("Classifier", f"{OSI} :: Apache Software License")], None),
        ([("Classifier", f"{OSI} :: BSD License")], None),
        ([("License", "do what you like")], None),
        ([], None),
    ],
)
def test_a_licence_is_read_from_what_says_it_best(fields: list[tuple[str, str]], licence: str | None) -> None:
    assert declared(metadata_of(*fields)) == licence


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-2.0-only OR MIT", True),
        ("Apache-2.0 AND BSD-2-Clause", True),
        ("MIT AND LGPL-2.1-or-later", False),
        ("MIT OR GPL-2.0-only AND GPL-3.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", False),
        ("(MIT OR Apache-2.0) AND GPL-3.0-only", False),
    ],
)
def test_what_is_not_understood_is_not_permitted(expression: str, *, allowed: bool) -> None:
    assert permitted(expression, ALLOWED) is allowed
