"""`demo` needs nothing, ends by itself with 0, and its counts are those of what it shows."""

import re
from collections import Counter

from tests.harness.command import invoke

EVENTS = 20
"""Two jobs with a task and two instances, each entering RUNNING and an end: 16; an environment and its node: 4."""

EVENT_LINE = re.compile(
    r"^ *(\d{10,19})  ([A-Z_]+) .*?(?:answered (\d+))?(?: \(retry, the same msgId\))?$", re.MULTILINE
)
COUNT_LINE = re.compile(
    r"^(state changes|events published|messages in the queue|callback requests|callback msgIds accepted) +(\d+)",
    re.MULTILINE,
)


def test_the_demo_shows_every_event_on_both_ways_and_counts_what_it_shows() -> None:
    result = invoke("demo", timeout_s=60)
    assert result.status == 0, result
    assert result.stderr == ""
    _, changes, queue, callback, summary = re.split(r"^── .*$", result.stdout, flags=re.MULTILINE)

    published = [line for line in changes.splitlines() if "published, key " in line]
    ignored = [line for line in changes.splitlines() if line.endswith("no notification asks for it")]
    in_queue = EVENT_LINE.findall(queue)
    requests = EVENT_LINE.findall(callback)
    accepted = {msg_id for msg_id, _, status in requests if status == "200"}
    assert len(published) == len(in_queue) == len(accepted) == EVENTS
    assert {msg_id for msg_id, _, _ in in_queue} == accepted
    assert Counter(name for _, name, _ in in_queue)["JOB_FAILED"] == 1
    statuses = Counter(status for _, _, status in requests)
    assert statuses["503"] == 1
    assert callback.count("(retry, the same msgId)") == 1

    counts = {name: int(count) for name, count in COUNT_LINE.findall(summary)}
    assert counts == {
        "state changes": len(published) + len(ignored),
        "events published": EVENTS,
        "messages in the queue": EVENTS,
        "callback requests": len(requests),
        "callback msgIds accepted": EVENTS,
    }
    assert "503" in summary
    seconds = re.search(r"publish to last arrival: ([\d.]+)", summary)
    assert seconds is not None
    assert float(seconds[1]) < 20
