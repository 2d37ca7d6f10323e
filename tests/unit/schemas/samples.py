"""The guide's sample, an event of each family with every field, and strategies for all the others."""

import string
from typing import Any

from hypothesis import strategies as st

from schemas.events import EVENT_FAMILIES, BatchEvent, EventVar, Family

GUIDE_SAMPLE = (
    b'{"Events":[{"EventVersion":"1.0","EventTime":"2018-06-15T14:43:17Z","Region":"ap-guangzhou","Batch":'
    b'{"ComputeNodeId":"node-0iy7wxyo","EnvId":"env-ptoxdb1t","ComputeNodeState":"CREATED","Mem":8,'
    b'"ResourceCreatedTime":"2018-06-15T14:43:18Z","EnvName":"batch-env","ComputeNodeInstanceId":"ins-9rikj9kw",'
    b'"Cpu":4},"EventName":"COMPUTE_NODE_CREATED","EventVars":[]}]}'
)
"""As published, written compactly."""

METRICS = {"SubmittedCount": 0, "RunningCount": 2, "FailedCount": 1}

FULL_BATCH: dict[Family, dict[str, Any]] = {
    Family.JOB: {
        "JobId": "job-97zcl3wt",
        "JobName": "test job",
        "JobState": "FAILED",
        "Priority": 1,
        "CreateTime": "2018-02-07T09:29:09Z",
        "EndTime": "2018-02-07T09:30:23Z",
        "StateReason": "",
        "Zone": "ap-guangzhou-2",
        "TaskMetrics": METRICS,
    },
    Family.TASK: {
        "JobId": "job-97zcl3wt",
        "JobName": "test job",
        "TaskName": "A",
        "TaskState": "FAILED",
        "CreateTime": "2018-02-07T09:29:09Z",
        "EndTime": "2018-02-07T09:30:23Z",
        "TaskInstanceTotalCount": 3,
        "TaskInstanceMetrics": METRICS,
    },
    Family.TASK_INSTANCE: {
        "JobId": "job-97zcl3wt",
        "JobName": "test job",
        "TaskName": "A",
        "TaskInstanceIndex": 1,
        "TaskInstanceState": "SUCCEED",
        "ExitCode": 0,
        "StateReason": "",
        "StateDetailedReason": "successful",
        "ComputeNodeInstanceId": "ins-9s04904p",
        "CreateTime": "2018-02-07T09:29:09Z",
        "LaunchTime": "2018-02-07T09:29:09Z",
        "RunningTime": "2018-02-07T09:29:55Z",
        "EndTime": "2018-02-07T09:30:23Z",
    },
    Family.COMPUTE_NODE: {
        "ComputeNodeId": "node-0iy7wxyo",
        "EnvId": "env-ptoxdb1t",
        "ComputeNodeState": "CREATED",
        "Mem": 8,
        "ResourceCreatedTime": "2018-06-15T14:43:18Z",
        "EnvName": "batch-env",
        "ComputeNodeInstanceId": "ins-9rikj9kw",
        "Cpu": 4,
    },
    Family.COMPUTE_ENV: {
        "EnvId": "env-ptoxdb1t",
        "EnvName": "batch-env",
        "CreateTime": "2018-06-15T14:40:00Z",
        "EnvType": "MANAGED",
        "ResourceType": "CVM",
        "DesiredComputeNodeCount": 2,
        "NextAction": "",
        "ComputeNodeMetrics": METRICS,
        "Zone": "ap-guangzhou-2",
    },
}
"""Every field that a message of the family can have, in the order of the wire."""

STATE_FIELDS = {
    Family.JOB: "JobState",
    Family.TASK: "TaskState",
    Family.TASK_INSTANCE: "TaskInstanceState",
    Family.COMPUTE_NODE: "ComputeNodeState",
    Family.COMPUTE_ENV: None,
}

REQUIRED: dict[Family, dict[str, Any]] = {
    Family.JOB: {"JobId": "job-1", "JobName": ""},
    Family.TASK: {"JobId": "job-1", "JobName": "", "TaskName": "A"},
    Family.TASK_INSTANCE: {"JobId": "job-1", "JobName": "", "TaskName": "A", "TaskInstanceIndex": 0},
    Family.COMPUTE_NODE: {"ComputeNodeId": "node-1", "EnvId": "env-1"},
    Family.COMPUTE_ENV: {"EnvId": "env-1", "EnvName": ""},
}
"""The least that a resource needs."""

FIRST_EVENT = {family: next(name for name, of in EVENT_FAMILIES.items() if of is family) for family in Family}


def full_event(family: Family) -> BatchEvent:
    """An event with every known field, unknown ones at both levels, and variables."""
    return BatchEvent(
        family,
        FIRST_EVENT[family],
        "2018-06-15T14:43:17Z",
        "ap-guangzhou",
        {**FULL_BATCH[family], "Tags": [{"Key": "k", "Value": "v"}], "Extra": "not ours"},
        (EventVar("who", "me"), EventVar("é", "日本")),
        "1.0",
        {"TraceId": "t-1", "Nested": {"deep": [1, None, 2.5]}},
    )


texts = st.text(st.characters(codec="utf-8"), max_size=12)
longs = st.integers(-(2**63), 2**63 - 1)
json_values = st.recursive(
    st.none() | st.booleans() | longs | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
"""What a JSON parser gives."""

_unknown_names = st.text(string.ascii_letters, min_size=1, max_size=8).map(lambda name: f"X{name}")


@st.composite
def batches(draw: st.DrawFn, family: Family) -> dict[str, Any]:
    """A `Batch` object with any choice of the optional fields, any values, and unknown fields."""
    batch: dict[str, Any] = {}
    for name, sample in FULL_BATCH[family].items():
        required = name in REQUIRED[family] or name == STATE_FIELDS[family]
        if required or draw(st.booleans()):
            match sample:
                case int():
                    batch[name] = draw(st.integers(0, 2**63 - 1) if name == "TaskInstanceIndex" else longs)
                case dict():
                    batch[name] = draw(st.dictionaries(texts, longs, max_size=3))
                case _:
                    batch[name] = draw(texts)
    return batch | draw(st.dictionaries(_unknown_names, json_values, max_size=2))


@st.composite
def events(draw: st.DrawFn) -> BatchEvent:
    """Any event that can be written."""
    family = draw(st.sampled_from(Family))
    names = [name for name, of in EVENT_FAMILIES.items() if of is family]
    return BatchEvent(
        family,
        draw(st.sampled_from(names)),
        draw(texts),
        draw(texts),
        draw(batches(family)),
        tuple(draw(st.lists(st.builds(EventVar, texts, texts), max_size=2))),
        draw(texts),
        draw(st.none() | st.dictionaries(_unknown_names, json_values, min_size=1, max_size=2)),
    )


@st.composite
def mutated(draw: st.DrawFn, originals: st.SearchStrategy[bytes]) -> bytes:
    """Valid bytes with a few of them changed, cut out or put in."""
    value = bytearray(draw(originals))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(value)))
        length = draw(st.integers(0, 4))
        value[at : at + length] = draw(st.binary(max_size=6))
    return bytes(value)
