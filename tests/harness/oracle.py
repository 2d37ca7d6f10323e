"""What should have arrived, computed from the published lines alone; and the judgement.

Shape   expected(lines) -> Expected: the message of every line that is an event, in order, by key.
        judge(expected, arrived) -> Verdict: lost, unknown, repeated, out of order. `arrived` are decoded messages
"""

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

STATE_FIELDS = {
    "Job": "JobState",
    "Task": "TaskState",
    "TaskInstance": "TaskInstanceState",
    "ComputeNode": "ComputeNodeState",
    "ComputeEnv": None,
}
PREFIXES = {
    "Job": "JOB_",
    "Task": "TASK_",
    "TaskInstance": "TASK_INSTANCE_",
    "ComputeNode": "COMPUTE_NODE_",
    "ComputeEnv": "COMPUTE_ENV_",
}
WORK = {"RUNNING", "SUCCEED", "FAILED", "FAILED_INTERRUPTED"}
NODE = {"CREATED", "CREATION_FAILED", "RUNNING", "ABNORMAL", "DELETING"}
EMITTING = {
    "Job": WORK,
    "Task": WORK,
    "TaskInstance": WORK,
    "ComputeNode": NODE,
    "ComputeEnv": {"CREATED", "DELETED"},
}

ALL_EVENTS = sorted(PREFIXES[family] + state for family, states in EMITTING.items() for state in states)

Message = dict[str, Any]


def expected_message(line: dict[str, Any]) -> Message | None:
    """The documented message of a line, or None if it is no event."""
    family = next(name for name in PREFIXES if name in line)
    if line["After"] not in EMITTING[family]:
        return None
    batch = {name: value for name, value in line[family].items() if value is not None}
    if (state := STATE_FIELDS[family]) is not None:
        batch[state] = line["After"]
    event = {
        "EventVersion": "1.0",
        "EventTime": line["Time"],
        "Region": line["Region"],
        "Batch": batch,
        "EventName": PREFIXES[family] + line["After"],
        "EventVars": [],
    }
    return {"Events": [event]}


def expected(lines: Iterable[bytes | str]) -> list[Message]:
    """The messages of all lines, in their order."""
    messages = (expected_message(json.loads(line)) for line in lines)
    return [message for message in messages if message is not None]


def decoded(msg_body: bytes | str) -> Message:
    """Base64 of JSON, to the message."""
    message: Message = json.loads(base64.b64decode(msg_body, validate=True))
    return message


def key_of(message: Message) -> str:
    batch = message["Events"][0]["Batch"]
    key: str = batch.get("JobId") or batch["EnvId"]
    return key


class Verdict(NamedTuple):
    """All zero but `repeated`, which only HTTP may have after a crash."""

    lost: int
    unknown: int
    repeated: int
    out_of_order: int


def judge(wanted: list[Message], arrived: list[Message]) -> Verdict:
    """Compare; order is that of first arrivals, by key."""
    wanted_texts = list(map(_text, wanted))
    arrived_texts = list(map(_text, arrived))
    counts = Counter(arrived_texts)
    position = {text: index for index, text in enumerate(wanted_texts)}
    assert len(position) == len(wanted), "the published lines hold the same event twice"
    out_of_order = 0
    latest: dict[str, int] = defaultdict(lambda: -1)
    seen: set[str] = set()
    for message, text in zip(arrived, arrived_texts, strict=True):
        if text in seen or text not in position:
            continue
        seen.add(text)
        key = key_of(message)
        out_of_order += position[text] < latest[key]
        latest[key] = max(latest[key], position[text])
    return Verdict(
        lost=sum(text not in counts for text in wanted_texts),
        unknown=sum(text not in position for text in counts),
        repeated=sum(count - 1 for count in counts.values()),
        out_of_order=out_of_order,
    )


def _text(message: Message) -> str:
    return json.dumps(message, sort_keys=True)
