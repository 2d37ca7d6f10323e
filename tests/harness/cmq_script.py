"""What a user of CMQ does, through the unmodified Python SDK: all of it once, against any endpoint that speaks CMQ.

Shape   run(endpoint, secret_id, secret_key, unique) plays every step and gives their names; a step that sees anything
        but what CMQ did raises AssertionError or the SDK's own exception. `unique` goes into every name
Process the SDK must be on the path, and writes log files where it likes: sdk_process.py gives it a process of its own
Time    about 10 s: a visibility timeout and a delay are waited for. What is to come at once may take SOON_S
"""

import base64
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

SOON_S = 20
VISIBILITY_S = 2
NOBODY = "http://127.0.0.1:9/nobody"


def run(endpoint: str, secret_id: str, secret_key: str, unique: str) -> list[str]:
    """Play all steps."""
    script = Script(endpoint, secret_id, secret_key, unique)
    steps: list[Callable[[], None]] = [
        script.queues_are_made_listed_and_changed,
        script.messages_are_sent_received_and_deleted,
        script.batches_are_sent_received_and_deleted,
        script.a_batch_delete_fails_in_part,
        script.messages_come_again_after_their_visibility_timeout,
        script.delayed_messages_come_later,
        script.encoded_bodies_are_decoded,
        script.deleted_messages_are_rewound,
        script.topics_reach_their_queue_subscriptions,
        script.routing_keys_choose_subscriptions,
        script.subscriptions_are_listed_changed_and_cleared,
        script.both_signatures_and_both_methods_are_taken,
        script.errors_have_their_codes,
        script.everything_is_deleted,
    ]
    for step in steps:
        step()
    return [step.__name__ for step in steps]


class Script:
    """The steps, in order; later ones use what earlier ones made."""

    def __init__(self, endpoint: str, secret_id: str, secret_key: str, unique: str) -> None:
        from cmq import account, cmq_exception, queue, subscription, topic  # noqa: PLC0415  not importable everywhere

        self._refusal = cmq_exception.CMQServerException
        self._queue_meta, self._message = queue.QueueMeta, queue.Message
        self._topic_meta, self._subscription_meta = topic.TopicMeta, subscription.SubscriptionMeta
        self._account_of: Callable[[str, str], Any] = partial(account.Account, endpoint)
        self._key = secret_id, secret_key
        self._account = self._account_of(secret_id, secret_key)
        self._names = {name: f"{name}-{unique}" for name in ("orders", "copies", "news", "routes", "nobody")}
        self._orders = self._queue("orders")
        self._news = self._account.get_topic(self._names["news"])
        self._routes = self._account.get_topic(self._names["routes"])
        self._unique = unique

    def queues_are_made_listed_and_changed(self) -> None:
        meta = self._queue_meta()
        meta.visibilityTimeout, meta.rewindSeconds, meta.pollingWaitSeconds = VISIBILITY_S, 600, 0
        self._orders.create(meta)
        self._queue("copies").create(self._queue_meta())
        total, queues, next_offset = self._account.list_queue(searchWord=self._unique, limit=1, offset=0)
        assert (total, [one["queueName"] for one in queues], next_offset) == (2, [self._names["copies"]], 1)
        meta.pollingWaitSeconds = 3
        self._orders.set_attributes(meta)
        told = self._orders.get_attributes()
        assert (told.queueName, told.visibilityTimeout, told.pollingWaitSeconds) == (
            self._names["orders"],
            VISIBILITY_S,
            3,
        )
        assert (told.rewindSeconds, told.maxMsgSize, told.msgRetentionSeconds) == (600, 65536, 345600)
        assert (told.activeMsgNum, told.inactiveMsgNum, told.delayMsgNum, told.rewindmsgNum) == (0, 0, 0, 0)
        assert abs(told.createTime - time.time()) < 60

    def messages_are_sent_received_and_deleted(self) -> None:
        text = 'a+b &"c" =? %41\n\u4e2d\u6587'
        sent = self._orders.send_message(self._message(text))
        message = self._orders.receive_message(SOON_S)
        assert (message.msgId, message.msgBody, message.dequeueCount) == (sent.msgId, text, 1)
        assert message.nextVisibleTime - message.firstDequeueTime == VISIBILITY_S
        assert abs(message.enqueueTime - time.time()) < 60
        self._orders.delete_message(message.receiptHandle)
        self._refused(7000, 10200, lambda: self._orders.receive_message(0))

    def batches_are_sent_received_and_deleted(self) -> None:
        bodies = {f"{number}" for number in range(16)}
        sent = self._orders.batch_send_message([self._message(body) for body in bodies])
        received = self._receive(self._orders, 16)
        assert {message.msgBody for message in received} == bodies
        assert {message.msgId for message in received} == {message.msgId for message in sent}
        self._orders.batch_delete_message([message.receiptHandle for message in received])
        self._refused(7000, 10200, lambda: self._orders.batch_receive_message(16, 0))

    def a_batch_delete_fails_in_part(self) -> None:
        self._orders.send_message(self._message("x"))
        [message] = self._receive(self._orders, 1)
        refusal = self._refused(
            6010, 10150, lambda: self._orders.batch_delete_message([message.receiptHandle, "not-a-handle"])
        )
        [failed] = refusal.data["errorList"]
        assert (failed["code"], failed["receiptHandle"]) == (4430, "not-a-handle")
        self._refused(6020, 10290, lambda: self._orders.batch_delete_message(["not-a-handle"]))

    def messages_come_again_after_their_visibility_timeout(self) -> None:
        self._orders.send_message(self._message("again"))
        first = self._orders.receive_message(SOON_S)
        self._refused(7000, 10200, lambda: self._orders.receive_message(0))
        second = self._orders.receive_message(SOON_S)
        assert (second.msgId, second.dequeueCount) == (first.msgId, 2)
        assert second.firstDequeueTime == first.firstDequeueTime
        assert time.time() >= first.nextVisibleTime
        self._refused(4430, 10260, lambda: self._orders.delete_message(first.receiptHandle))
        self._orders.delete_message(second.receiptHandle)

    def delayed_messages_come_later(self) -> None:
        begun_s = time.monotonic()
        self._orders.send_message(self._message("late"), 2)
        self._refused(7000, 10200, lambda: self._orders.receive_message(0))
        assert self._orders.get_attributes().delayMsgNum == 1
        [message] = self._receive(self._orders, 1)
        assert message.msgBody == "late"
        assert time.monotonic() - begun_s > 1
        self._orders.delete_message(message.receiptHandle)

    def encoded_bodies_are_decoded(self) -> None:
        encoding = self._queue("orders")
        encoding.set_encoding(True)
        encoding.send_message(self._message("b\u00e9".encode()))
        plain = base64.b64encode("b\u00e9".encode()).decode()
        message = self._orders.receive_message(SOON_S)
        assert message.msgBody == plain
        self._orders.delete_message(message.receiptHandle)
        self._orders.send_message(self._message(plain))
        message = encoding.receive_message(SOON_S)
        assert message.msgBody == "b\u00e9".encode()
        encoding.delete_message(message.receiptHandle)

    def deleted_messages_are_rewound(self) -> None:
        sent = self._orders.send_message(self._message("rewound"))
        message = self._orders.receive_message(SOON_S)
        self._orders.delete_message(message.receiptHandle)
        assert self._orders.get_attributes().rewindmsgNum > 0
        self._orders.rewindQueue(message.enqueueTime)
        again = self._receive_until(self._orders, sent.msgId)
        assert again.msgBody == "rewound"
        self._refused(6050, 10670, lambda: self._queue("copies").rewindQueue(int(time.time())))
        self._refused(4000, 10680, lambda: self._orders.rewindQueue(int(time.time()) - 5_000))

    def topics_reach_their_queue_subscriptions(self) -> None:
        self._news.create(self._topic_meta())
        self._refused(6030, 10650, lambda: self._news.publish_message(self._message("nobody")))
        self._subscribe(self._news, "to-queue", "queue", self._names["copies"], tags=["wanted"])
        self._subscribe(self._news, "to-http", "http", NOBODY, tags=["other"])
        total, topics, _ = self._account.list_topic(searchWord=self._unique)
        assert (total, [one["topicName"] for one in topics]) == (1, [self._names["news"]])
        text = 'free text {"a": 1} \u4e2d+&'
        assert self._news.publish_message(self._message(text, ["wanted", "more"])).msgId
        assert len(self._news.batch_publish_message([self._message("1"), self._message("2")], ["wanted"])) == 2
        self._refused(6030, 10730, lambda: self._news.publish_message(self._message("unmatched", ["none"])))
        self._news.publish_message(self._message("elsewhere", ["other"]))
        received = self._receive(self._queue("copies"), 3)
        assert sorted(message.msgBody for message in received) == sorted([text, "1", "2"])
        self._queue("copies").batch_delete_message([message.receiptHandle for message in received])
        self._refused(7000, 10200, lambda: self._queue("copies").receive_message(1))
        meta = self._news.get_attributes()
        assert (meta.filterType, meta.msgRetentionSeconds, meta.maxMsgSize) == (1, 86400, 65536)
        meta.maxMsgSize = 2048
        self._news.set_attributes(meta)
        assert self._news.get_attributes().maxMsgSize == 2048

    def routing_keys_choose_subscriptions(self) -> None:
        meta = self._topic_meta()
        meta.filterType = 2
        self._routes.create(meta)
        self._refused(4000, 10710, lambda: self._subscribe(self._routes, "s", "queue", self._names["copies"]))
        self._subscribe(self._routes, "s", "queue", self._names["copies"], keys=["1.*.0", "a.#"])
        self._refused(4000, 10700, lambda: self._routes.publish_message(self._message("no key")))
        self._refused(6030, 10730, lambda: self._routes.publish_message(self._message("none"), "1.0"))
        self._routes.publish_message(self._message("one word"), "1.5.0")
        self._routes.batch_publish_message([self._message("no word")], [], "a")
        received = self._receive(self._queue("copies"), 2)
        assert sorted(message.msgBody for message in received) == ["no word", "one word"]
        self._queue("copies").batch_delete_message([message.receiptHandle for message in received])

    def subscriptions_are_listed_changed_and_cleared(self) -> None:
        total, listed, _ = self._news.list_subscription()
        assert (total, [one["subscriptionName"] for one in listed]) == (2, ["to-http", "to-queue"])
        subscription = self._account.get_subscription(self._names["news"], "to-http")
        meta = subscription.get_attributes()
        assert (meta.Protocal, meta.FilterTag, meta.bindingKey) == ("http", ["other"], [])
        assert (meta.NotifyStrategy, meta.NotifyContentFormat) == ("EXPONENTIAL_DECAY_RETRY", "JSON")
        meta.NotifyStrategy, meta.FilterTag = "BACKOFF_RETRY", ["third"]
        subscription.set_attributes(meta)
        changed = subscription.get_attributes()
        assert (changed.NotifyStrategy, changed.FilterTag) == ("BACKOFF_RETRY", ["third"])
        subscription.clearFilterTags()
        assert subscription.get_attributes().FilterTag == []
        to_queue = self._account.get_subscription(self._names["news"], "to-queue").get_attributes()
        assert to_queue.NotifyContentFormat == "SIMPLIFIED"

    def both_signatures_and_both_methods_are_taken(self) -> None:
        account = self._account_of(*self._key)
        account.set_sign("sha256")
        for method in ("POST", "GET"):
            account.get_client().set_method(method)
            account.get_queue(self._names["copies"]).send_message(self._message(f"{method} \u4e2d a+b&c"))
        received = self._receive(self._queue("copies"), 2)
        assert sorted(message.msgBody for message in received) == ["GET \u4e2d a+b&c", "POST \u4e2d a+b&c"]
        self._queue("copies").batch_delete_message([message.receiptHandle for message in received])

    def errors_have_their_codes(self) -> None:
        self._refused(4440, 10100, lambda: self._queue("nobody").send_message(self._message("x")))
        self._refused(4460, 10210, lambda: self._orders.create(self._queue_meta()))
        self._refused(4460, 10550, lambda: self._news.create(self._topic_meta()))
        self._refused(4490, 10470, lambda: self._subscribe(self._news, "to-http", "http", NOBODY))
        self._refused(4000, 10120, lambda: self._orders.send_message(self._message("")))
        self._refused(4000, 10370, lambda: self._orders.batch_send_message([self._message("x")] * 17))
        self._refused(4000, 10692, lambda: self._orders.send_message(self._message("x"), 3601))
        self._refused(4400, 10230, lambda: self._orders.send_message(self._message("x" * 65537)))
        self._refused(4000, 10540, self._news.delete)
        forger = self._account_of(self._key[0], "another key").get_queue(self._names["orders"])
        self._refused(4100, 10030, lambda: forger.send_message(self._message("x")))
        stranger = self._account_of("AKIDnobody", self._key[1]).get_queue(self._names["orders"])
        self._refused(4100, 10270, lambda: stranger.send_message(self._message("x")))

    def everything_is_deleted(self) -> None:
        for topic, names in ((self._news, ("to-queue", "to-http")), (self._routes, ("s",))):
            for name in names:
                self._account.get_subscription(topic.topicName, name).delete()
            topic.delete()
        for name in ("orders", "copies"):
            self._queue(name).delete()
        self._refused(6040, 10660, lambda: self._orders.create(self._queue_meta()))
        assert self._account.list_queue(searchWord=self._unique)[0] == 0
        assert self._account.list_topic(searchWord=self._unique)[0] == 0

    def _queue(self, name: str) -> Any:
        return self._account.get_queue(self._names[name])

    def _subscribe(
        self, topic: Any, name: str, protocol: str, endpoint: str, tags: Sequence[str] = (), keys: Sequence[str] = ()
    ) -> None:
        meta = self._subscription_meta()
        meta.Protocal, meta.Endpoint, meta.FilterTag, meta.bindingKey = protocol, endpoint, list(tags), list(keys)
        self._account.get_subscription(topic.topicName, name).create(meta)

    def _receive(self, queue: Any, count: int) -> list[Any]:
        """So many messages, as they come."""
        received: list[Any] = []
        while len(received) < count:
            received += queue.batch_receive_message(count - len(received), SOON_S)
        return received

    def _receive_until(self, queue: Any, msg_id: str) -> Any:
        """This message; others that come before it are deleted."""
        while (message := queue.receive_message(SOON_S)).msgId != msg_id:
            queue.delete_message(message.receiptHandle)
        queue.delete_message(message.receiptHandle)
        return message

    def _refused(self, code: int, module: int, call: Callable[[], object]) -> Any:
        """The call is refused with this code and module number; gives the SDK's exception."""
        refusal = None
        try:
            call()
        except self._refusal as error:
            refusal = error
        assert refusal, f"not refused with {code}/{module}"
        assert (refusal.code, refusal.message.partition(")")[0]) == (code, f"({module}"), refusal
        assert refusal.data["requestId"]
        return refusal
