"""PublishMessage, BatchPublishMessage."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, of_account

TO_QUEUE = {"subscriptionName": "s", "protocol": "queue", "endpoint": "q"}


@of_account
async def test_what_is_published_is_in_the_queue_that_subscribes(account: Account) -> None:
    await account.call("CreateQueue", queueName="q")
    await account.call("CreateTopic", topicName="t")
    await account.call("Subscribe", topicName="t", **TO_QUEUE, filterTag=["a"])
    single = await account.call("PublishMessage", topicName="t", msgBody="x", msgTag=["b", "a"], routingKey="")
    batch = await account.call("BatchPublishMessage", topicName="t", msgBody=list("yz"), msgTag=["a"])
    assert len({single["msgId"], *(one["msgId"] for one in batch["msgList"])}) == 3
    bodies = [(await account.call("ReceiveMessage", queueName="q"))["msgBody"] for _ in range(2)]
    assert bodies == ["x", "y"]


@of_account
async def test_bad_messages_are_refused_each_with_its_row(account: Account) -> None:
    await account.call("CreateTopic", topicName="t", maxMsgSize=1024)
    await account.call("Subscribe", topicName="t", subscriptionName="s", protocol="http", endpoint="http://h/")
    well = {"topicName": "t", "msgBody": "x"}
    await account.refused(Row.PARAMETER_MISSING, "PublishMessage", topicName="t")
    await account.refused(Row.EMPTY_BODY, "PublishMessage", topicName="t", msgBody="")
    await account.refused(Row.MESSAGE_TOO_BIG, "PublishMessage", topicName="t", msgBody="x" * 1025)
    await account.refused(Row.BATCH_TOO_BIG, "BatchPublishMessage", topicName="t", msgBody=["x"] * 17)
    await account.refused(Row.TOTAL_TOO_BIG, "BatchPublishMessage", topicName="t", msgBody=["x" * 600_000] * 2)
    await account.refused(Row.TOO_MANY_MSG_TAGS, "PublishMessage", **well, msgTag=list("abcdef"))
    await account.refused(Row.PARAMETER_OUT_OF_RANGE, "PublishMessage", **well, msgTag=["x" * 17])
    await account.refused(Row.PARAMETER_OUT_OF_RANGE, "PublishMessage", **well, msgTag=[""])
    await account.refused(Row.PARAMETER_OUT_OF_RANGE, "PublishMessage", **well, routingKey="\u00e9" * 33)
    await account.refused(Row.TOO_MANY_DOTS, "PublishMessage", **well, routingKey="a." * 16)
    await account.refused(Row.NO_TOPIC, "PublishMessage", topicName="other", msgBody="x")
    await account.refused(Row.BAD_TOPIC_NAME, "PublishMessage", topicName="t.t", msgBody="x")


@of_account
async def test_what_nobody_gets_is_refused(account: Account) -> None:
    await account.call("CreateTopic", topicName="t")
    await account.refused(Row.TOPIC_WITHOUT_SUBSCRIPTION, "PublishMessage", topicName="t", msgBody="x")
    await account.call(
        "Subscribe", topicName="t", subscriptionName="s", protocol="http", endpoint="http://h/", filterTag=["a"]
    )
    await account.refused(Row.NO_MATCH, "PublishMessage", topicName="t", msgBody="x")
    await account.call("CreateTopic", topicName="keyed", filterType=2)
    await account.call(
        "Subscribe", topicName="keyed", subscriptionName="s", protocol="http", endpoint="http://h/", bindingKey=["a"]
    )
    await account.refused(Row.ROUTING_KEY_MISSING, "PublishMessage", topicName="keyed", msgBody="x", routingKey="")
    await account.refused(Row.NO_MATCH, "PublishMessage", topicName="keyed", msgBody="x", routingKey="b")
