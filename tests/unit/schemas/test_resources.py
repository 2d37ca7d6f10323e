"""The five objects: what they need, what they keep, in which order, and what is said about faults."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Fault, ResourceError
from schemas.events import Family
from schemas.resources import RESOURCES, ComputeNode, Job, TaskInstance
from tests.unit.schemas.samples import FULL_BATCH, REQUIRED, STATE_FIELDS, json_values

FIELDS = [(family, name) for family in Family for name in FULL_BATCH[family]]
OPTIONAL = [(family, name) for family, name in FIELDS if name not in REQUIRED[family]]

ALWAYS_REQUIRED = [(f, name) for f in Family for name in REQUIRED[f] if (f, name) != (Family.COMPUTE_NODE, "EnvId")]


def faults_of(family: Family, fields: Any) -> list[Fault]:
    with pytest.raises(ResourceError) as caught:
        RESOURCES[family].parse(fields)
    return caught.value.faults


@pytest.mark.parametrize("family", Family)
def test_every_family_has_a_resource_of_its_own(family: Family) -> None:
    resource = RESOURCES[family]
    assert resource.family is family
    assert resource.state_field == STATE_FIELDS[family]


@pytest.mark.parametrize("family", Family)
def test_the_least_is_enough_and_what_is_absent_is_left_out(family: Family) -> None:
    state_field = STATE_FIELDS[family]
    batch = RESOURCES[family].parse(REQUIRED[family]).to_batch("S")
    assert batch == REQUIRED[family] | ({state_field: "S"} if state_field else {})


@pytest.mark.parametrize(("family", "field"), ALWAYS_REQUIRED)
def test_a_required_field_that_is_missing_is_named(family: Family, field: str) -> None:
    fields = {name: value for name, value in REQUIRED[family].items() if name != field}
    assert faults_of(family, fields) == [Fault(f"{family}.{field}", "MissingParameter", "is missing")]


@pytest.mark.parametrize(
    ("family", "field"),
    [(f, n) for f in Family for n in REQUIRED[f] if n not in {"JobName", "EnvName", "TaskInstanceIndex"}],
)
def test_an_empty_identity_is_refused(family: Family, field: str) -> None:
    (fault,) = faults_of(family, REQUIRED[family] | {field: ""})
    assert fault.path == f"{family}.{field}"


@pytest.mark.parametrize(("family", "field"), OPTIONAL)
def test_a_null_is_the_same_as_absent(family: Family, field: str) -> None:
    absent = RESOURCES[family].parse(REQUIRED[family]).to_batch("S")
    assert RESOURCES[family].parse(REQUIRED[family] | {field: None}).to_batch("S") == absent


@pytest.mark.parametrize(("family", "field"), FIELDS)
def test_a_value_of_another_type_is_named_with_its_path(family: Family, field: str) -> None:
    wrong: Any = "4" if isinstance(FULL_BATCH[family][field], int) else 4
    (fault,) = faults_of(family, FULL_BATCH[family] | {field: wrong})
    assert (fault.path, fault.code) == (f"{family}.{field}", "InvalidParameterValue")
    assert fault.reason.endswith(f"(got {wrong!r})")


@pytest.mark.parametrize(("family", "field"), [(f, n) for f, n in FIELDS if isinstance(FULL_BATCH[f][n], int)])
@pytest.mark.parametrize("wrong", [True, 1.0, 2**63])
def test_a_number_is_a_64_bit_integer_and_nothing_else(family: Family, field: str, wrong: object) -> None:
    assert [fault.path for fault in faults_of(family, FULL_BATCH[family] | {field: wrong})] == [f"{family}.{field}"]


@pytest.mark.parametrize(
    ("family", "field"),
    [(Family.JOB, "TaskMetrics"), (Family.TASK, "TaskInstanceMetrics"), (Family.COMPUTE_ENV, "ComputeNodeMetrics")],
)
@pytest.mark.parametrize("counter", ["FailedCount", "int", "str"])
def test_a_bad_counter_is_named_inside_its_object(family: Family, field: str, counter: str) -> None:
    (fault,) = faults_of(family, REQUIRED[family] | {field: {counter: "x"}})
    assert fault.path == f"{family}.{field}.{counter}"


def test_an_instance_counts_from_zero() -> None:
    (fault,) = faults_of(Family.TASK_INSTANCE, REQUIRED[Family.TASK_INSTANCE] | {"TaskInstanceIndex": -1})
    assert str(fault) == (
        "TaskInstance.TaskInstanceIndex: InvalidParameterValue: Input should be greater than or equal to 0 (got -1)"
    )


def test_all_faults_are_told_at_once_one_a_line() -> None:
    with pytest.raises(ResourceError) as caught:
        TaskInstance.parse({"JobId": "", "TaskName": "A", "TaskInstanceIndex": "0", "ExitCode": True})
    assert [fault.path for fault in caught.value.faults] == [
        "TaskInstance.JobId",
        "TaskInstance.JobName",
        "TaskInstance.TaskInstanceIndex",
        "TaskInstance.ExitCode",
    ]
    assert str(caught.value).splitlines() == [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("fields", [None, 5, "x", [], [1]])
def test_what_is_no_object_is_refused_as_a_whole(family: Family, fields: object) -> None:
    (fault,) = faults_of(family, fields)
    assert (fault.path, fault.code) == (str(family), "InvalidParameterValue")


class TestOwnerOfANode:
    missing = Fault("ComputeNode.EnvId", "MissingParameter", "is missing, and no JobId stands in for it")

    @pytest.mark.parametrize("owner", [{}, {"EnvId": None}, {"EnvId": ""}, {"JobId": ""}, {"JobId": 5}])
    def test_a_node_without_owner_is_refused(self, owner: dict[str, Any]) -> None:
        assert faults_of(Family.COMPUTE_NODE, {"ComputeNodeId": "node-1", **owner}) == [self.missing]

    def test_the_missing_owner_is_told_together_with_other_faults(self) -> None:
        assert faults_of(Family.COMPUTE_NODE, {"Cpu": "4"}) == [
            Fault("ComputeNode.ComputeNodeId", "MissingParameter", "is missing"),
            Fault("ComputeNode.Cpu", "InvalidParameterValue", "Input should be a valid integer (got '4')"),
            self.missing,
        ]

    def test_a_mistyped_environment_is_one_fault_not_two(self) -> None:
        (fault,) = faults_of(Family.COMPUTE_NODE, {"ComputeNodeId": "node-1", "EnvId": 5})
        assert (fault.path, fault.code) == ("ComputeNode.EnvId", "InvalidParameterValue")

    def test_the_environment_owns_it(self) -> None:
        node = ComputeNode.parse({"ComputeNodeId": "node-1", "EnvId": "env-1", "JobId": "job-1"})
        assert (node.key(), node.path()) == ("env-1", "computeenv/env-1/node/node-1")

    def test_without_environment_its_job_owns_it(self) -> None:
        node = ComputeNode.parse({"ComputeNodeId": "node-1", "JobId": "job-1"})
        assert (node.key(), node.path()) == ("job-1", "job/job-1/node/node-1")


@pytest.mark.parametrize(
    ("family", "key", "path"),
    [
        (Family.JOB, "job-97zcl3wt", "job/job-97zcl3wt"),
        (Family.TASK, "job-97zcl3wt", "job/job-97zcl3wt/task/A"),
        (Family.TASK_INSTANCE, "job-97zcl3wt", "job/job-97zcl3wt/task/A/instance/1"),
        (Family.COMPUTE_NODE, "env-ptoxdb1t", "computeenv/env-ptoxdb1t/node/node-0iy7wxyo"),
        (Family.COMPUTE_ENV, "env-ptoxdb1t", "computeenv/env-ptoxdb1t"),
    ],
)
def test_the_key_is_the_owner_and_the_path_is_the_place_in_its_tree(family: Family, key: str, path: str) -> None:
    resource = RESOURCES[family].parse(FULL_BATCH[family])
    assert (resource.key(), resource.path()) == (key, path)


@pytest.mark.parametrize("family", Family)
@given(st.data())
def test_fields_stand_in_wire_order_whatever_order_they_came_in(family: Family, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(list(FULL_BATCH[family].items())))
    batch = RESOURCES[family].parse(dict(shuffled)).to_batch("S")
    assert list(batch) == list(FULL_BATCH[family])


@given(st.dictionaries(st.text(max_size=8).map("X{}".format), json_values, max_size=4))
def test_unknown_fields_are_kept_as_they_came_and_stand_last(unknown: dict[str, Any]) -> None:
    batch = Job.parse(unknown | REQUIRED[Family.JOB]).to_batch("S")
    assert list(batch.items()) == [("JobId", "job-1"), ("JobName", ""), ("JobState", "S"), *unknown.items()]


@pytest.mark.parametrize("name", ["key", "path", "state", "family", "parse", "to_batch", "model_config", "__dict__"])
def test_an_unknown_field_may_be_named_like_anything_of_ours(name: str) -> None:
    job = Job.parse(REQUIRED[Family.JOB] | {name: 1})
    assert job.to_batch("S")[name] == 1
    assert job.key() == "job-1"


def test_the_state_that_the_object_carries_is_told() -> None:
    assert Job.parse(REQUIRED[Family.JOB]).state() is None
    assert Job.parse(FULL_BATCH[Family.JOB]).state() == "FAILED"
    assert RESOURCES[Family.COMPUTE_ENV].parse(FULL_BATCH[Family.COMPUTE_ENV]).state() is None


def test_the_state_of_the_change_is_what_the_message_carries() -> None:
    assert Job.parse(FULL_BATCH[Family.JOB]).to_batch("RUNNING")["JobState"] == "RUNNING"


@pytest.mark.parametrize("value", ["x" * 500, 10**5000, -(10**5000)], ids=["text", "integer", "negative"])
def test_a_fault_shows_values_of_any_size(value: object) -> None:
    (fault,) = faults_of(Family.JOB, REQUIRED[Family.JOB] | {"Priority": value})
    assert fault.path == "Job.Priority"
    assert len(fault.reason) < 200


def test_a_fault_shows_values_of_any_depth() -> None:
    deep: object = 1
    for _ in range(5000):
        deep = [deep]
    (fault,) = faults_of(Family.JOB, REQUIRED[Family.JOB] | {"Priority": deep})
    assert fault.reason == "Input should be a valid integer (got [[[[...]]]])"
