"""Modules of tests have a guarded cluster each."""

from collections.abc import Iterator

import pytest

from tests.access.place import Place, guarded_place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with guarded_place(tmp_path_factory.mktemp("access")) as one:
        yield one
