"""`check --online` names the rights that `run` will lack, before it is started."""

import pytest

from adapters.access import Kind, Part, Right, rights_of
from tests.access.place import SAMPLE, Place, shown

pytestmark = [pytest.mark.native_cluster, pytest.mark.timeout(120)]

ASKED = [right for right in rights_of(Part.CHECK, SAMPLE) if right.kind is not Kind.TRANSACTIONAL_ID]


def test_with_all_of_them_it_is_fine(place: Place) -> None:
    place.rights.only(rights_of(Part.CHECK, SAMPLE))
    result = place.invoke("check", "--online")
    assert result.status == 0, result


@pytest.mark.parametrize("right", ASKED, ids=map(shown, ASKED))
def test_with_one_fewer_that_one_is_named(right: Right, place: Place) -> None:
    place.rights.only(one for one in rights_of(Part.CHECK, SAMPLE) if one != right)
    result = place.invoke("check", "--online")
    assert result.status == 1
    (line,) = [line for line in result.stdout.splitlines() if "no right" in line]
    assert line.startswith(f"{right.kind} {right.name}: no right to ")
    assert right.operation in line


def test_without_any_every_topic_and_group_is_named(place: Place) -> None:
    place.rights.only([])
    result = place.invoke("check", "--online")
    named = {line.split()[1].removesuffix(":") for line in result.stdout.splitlines() if "no right" in line}
    assert result.status == 1
    assert named == {right.name for right in ASKED}
