"""Tells what the demo did, for a person at a terminal.

Shape   tell(played) -> lines of text; verdict(played) -> what is wrong, empty when everything arrived as promised
"""

import json
from collections import Counter
from collections.abc import Iterator

from adapters.demo.play import QUEUE, Played
from adapters.demo.story import TOPIC
from pipeline.stop import ExitStatus
from pipeline.topics import event_topic, queue_topic
from schemas.cmq_message import message_text, parse_body
from schemas.events import BatchEvent

WIDTH = 100


def tell(played: Played) -> Iterator[str]:
    """The whole story."""
    yield from _published(played)
    yield from _queue(played)
    yield from _callback(played)
    yield from _summary(played)


def verdict(played: Played) -> list[str]:
    """What is not as promised."""
    faults = []
    queue_ids = [_msg_id(played, index) for index in range(len(played.queue))]
    accepted = [request.msg_id for request in played.requests if request.status == 200]
    if len(queue_ids) != played.events or len(set(queue_ids)) != played.events:
        faults.append(f"queue: {len(queue_ids)} messages, {len(set(queue_ids))} different ones, of {played.events}")
    if set(accepted) != set(queue_ids):
        faults.append(f"callback: {len(set(accepted))} different messages accepted of {played.events}")
    if not any(request.status != 200 for request in played.requests):
        faults.append("callback: nothing was retried")
    if played.status is not ExitStatus.FINE:
        faults.append(f"run: ended with status {int(played.status)}")
    return faults


def _heading(text: str) -> Iterator[str]:
    yield ""
    yield f"── {text} ".ljust(WIDTH, "─")


def _published(played: Played) -> Iterator[str]:
    yield from _heading(
        f"1. State changes, and the notifications that ask for them -> Kafka topic {event_topic(TOPIC)}"
    )
    for change, count in played.published:
        path = change.resource.path()
        arrow = f"{change.before or '(new)'} -> {change.after}"
        fate = f"published, key {change.resource.key()}" if count else "no notification asks for it"
        yield f"{change.time}  {path:<42} {arrow:<24} {fate}"


def _queue(played: Played) -> Iterator[str]:
    yield from _heading(f"2. Queue subscriber: CMQ messages, Base64 -> Kafka topic {queue_topic(QUEUE)}")
    for index, message in enumerate(played.queue):
        body = message.value() or b""
        event = parse_body(body)[0]
        yield f"{_msg_id(played, index):>19}  {event.name:<24} {_subject(event)}"
        if index == 0:
            yield f"   msgBody  {body.decode()}"
            yield from _json("   decoded  ", message_text(event))


def _callback(played: Played) -> Iterator[str]:
    yield from _heading("3. HTTP subscriber: CMQ push, JSON format -> POST /batch-events")
    refused: set[str] = set()
    for index, request in enumerate(played.requests):
        push = json.loads(request.body)
        event = parse_body(push["msgBody"])[0]
        note = " (retry, the same msgId)" if request.msg_id in refused and request.status == 200 else ""
        if request.status != 200:
            refused.add(request.msg_id)
        yield f"{request.msg_id:>19}  {event.name:<24} {_subject(event)}  answered {request.status}{note}"
        if index == 0:
            for name, value in request.headers:
                yield f"   {name}: {value}"
            yield from _json("   ", request.body)


def _summary(played: Played) -> Iterator[str]:
    yield from _heading("Summary, counted where things arrived")
    statuses = Counter(request.status for request in played.requests)
    ids = {_msg_id(played, index) for index in range(len(played.queue))}
    accepted = {request.msg_id for request in played.requests if request.status == 200}
    yield f"state changes            {len(played.published):>4}"
    yield f"events published         {played.events:>4}"
    yield f"messages in the queue    {len(played.queue):>4}   ({len(ids)} different msgIds)"
    yield f"callback requests        {len(played.requests):>4}   " + ", ".join(
        f"{count} answered {status}" for status, count in sorted(statuses.items())
    )
    yield f"callback msgIds accepted {len(accepted):>4}"
    yield f"seconds, publish to last arrival: {played.seconds:.1f}"


def _msg_id(played: Played, index: int) -> str:
    headers = dict(played.queue[index].headers() or [])
    value = headers.get("cmq_msg_id")
    return value.decode() if isinstance(value, bytes) else ""


def _subject(event: BatchEvent) -> str:
    batch = event.batch
    parts = [batch.get(name) for name in ("JobId", "TaskName", "TaskInstanceIndex", "EnvId", "ComputeNodeId")]
    return " ".join(str(part) for part in parts if part is not None)


def _json(indent: str, text: bytes) -> Iterator[str]:
    lines = json.dumps(json.loads(text), indent=2, ensure_ascii=False).splitlines()
    yield indent + lines[0]
    for line in lines[1:]:
        yield " " * len(indent) + line
