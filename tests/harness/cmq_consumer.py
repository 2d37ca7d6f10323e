"""What a consumer's and a publisher's program do with the unmodified Python SDK, a call each.

Shape   each function takes the endpoint, the key, and what it is about; it gives plain values. As cmq_script.py they
        are run in a process of their own, by sdk_process.py
"""

from typing import Any

SOON_S = 20
VISIBILITY_S = 2


def drain(endpoint: str, secret_id: str, secret_key: str, queue_name: str, count: int) -> list[dict[str, Any]]:
    """Receive and delete so many messages one by one, and see that there are no more."""
    from cmq import account, cmq_exception  # noqa: PLC0415  not importable everywhere

    queue = account.Account(endpoint, secret_id, secret_key).get_queue(queue_name)
    found = []
    for _ in range(count):
        message = queue.receive_message(SOON_S)
        found.append({"id": message.msgId, "body": message.msgBody, "count": message.dequeueCount})
        queue.delete_message(message.receiptHandle)
    refusal = None
    try:
        queue.receive_message(1)
    except cmq_exception.CMQServerException as error:
        refusal = error
    assert refusal, "one more"
    assert (refusal.code, refusal.message) == (7000, "(10200)no message")
    return found


def conduct(endpoint: str, secret_id: str, secret_key: str, queue_name: str) -> list[Any]:
    """How a queue with three messages behaves: what is seen of each step, without what is the queue's own."""
    from cmq import account, cmq_exception  # noqa: PLC0415  not importable everywhere

    queue = account.Account(endpoint, secret_id, secret_key).get_queue(queue_name)
    seen: list[Any] = []
    ids: list[str] = []

    def see(step: str, *what: object) -> None:
        seen.append([step, *what])

    def refused(step: str, call: Any, *args: object) -> None:
        try:
            call(*args)
        except cmq_exception.CMQServerException as error:
            see(step, error.code, error.message)
        else:
            see(step, "not refused")

    def told(step: str, message: Any) -> None:
        if message.msgId not in ids:
            ids.append(message.msgId)
        held_s = message.nextVisibleTime - message.firstDequeueTime if message.dequeueCount == 1 else None
        see(step, ids.index(message.msgId), message.dequeueCount, held_s, message.enqueueTime > 0)

    meta = queue.get_attributes()
    meta.visibilityTimeout, meta.rewindSeconds = VISIBILITY_S, 600
    queue.set_attributes(meta)
    first = queue.receive_message(SOON_S)
    told("first", first)
    others = queue.batch_receive_message(16, SOON_S)
    second, third = others if len(others) > 1 else [*others, queue.receive_message(SOON_S)]
    told("second", second)
    told("third", third)
    refused("all are held", queue.receive_message, 0)
    told_of = queue.get_attributes()
    see("counts", told_of.activeMsgNum, told_of.inactiveMsgNum, told_of.delayMsgNum)
    queue.batch_delete_message([second.receiptHandle, third.receiptHandle])
    refused("not a handle", queue.delete_message, third.receiptHandle[:-1])
    again = queue.receive_message(SOON_S)
    told("again", again)
    refused("a former handle", queue.delete_message, first.receiptHandle)
    queue.delete_message(again.receiptHandle)
    refused("nothing is left", queue.receive_message, VISIBILITY_S + 1)
    queue.rewindQueue(first.enqueueTime)
    back = queue.receive_message(SOON_S)
    while True:
        see("rewound", back.msgId in ids)
        queue.delete_message(back.receiptHandle)
        try:
            back = queue.receive_message(0)
        except cmq_exception.CMQServerException as error:
            see("the end", error.code)
            return seen


def subscribe_http(endpoint: str, secret_id: str, secret_key: str, topic_name: str, url: str, text: str) -> str:
    """Make a topic and an HTTP subscription, and publish; gives the message's id."""
    from cmq import account, subscription, topic  # noqa: PLC0415  not importable everywhere

    own = account.Account(endpoint, secret_id, secret_key)
    one = own.get_topic(topic_name)
    one.create(topic.TopicMeta())
    meta = subscription.SubscriptionMeta()
    meta.Protocal, meta.Endpoint = "http", url
    own.get_subscription(topic_name, "to-http").create(meta)
    msg_id: str = one.publish_message(topic.Message(text, ["red", "blue"])).msgId
    return msg_id


def unsubscribe(endpoint: str, secret_id: str, secret_key: str, topic_name: str) -> None:
    """Undo subscribe_http."""
    from cmq import account  # noqa: PLC0415  not importable everywhere

    own = account.Account(endpoint, secret_id, secret_key)
    own.get_subscription(topic_name, "to-http").delete()
    own.get_topic(topic_name).delete()


def fill(endpoint: str, secret_id: str, secret_key: str, queue_name: str, texts: list[str]) -> None:
    """Make a queue and send texts to it."""
    from cmq import account, queue  # noqa: PLC0415  not importable everywhere

    own = account.Account(endpoint, secret_id, secret_key).get_queue(queue_name)
    own.create(queue.QueueMeta())
    for text in texts:
        own.send_message(queue.Message(text))
