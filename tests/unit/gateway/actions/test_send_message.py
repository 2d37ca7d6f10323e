"""SendMessage, BatchSendMessage."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import DELAYED, Account, of_account

KIB = 1024


@of_account
async def test_a_message_is_sent_and_its_id_told(account: Account) -> None:
    await account.call("CreateQueue", queueName="q")
    reply = await account.call("SendMessage", queueName="q", msgBody="h\u00e9 & +", delaySeconds=0)
    assert set(reply) == {"msgId"}
    message = await account.call("ReceiveMessage", queueName="q")
    assert (message["msgId"], message["msgBody"]) == (reply["msgId"], "h\u00e9 & +")


@of_account
async def test_a_batch_is_told_in_its_order(account: Account) -> None:
    await account.call("CreateQueue", queueName="q")
    reply = await account.call("BatchSendMessage", queueName="q", msgBody=list("ab"))
    received = await account.call("BatchReceiveMessage", queueName="q", numOfMsg=16)
    assert reply == {"msgList": [{"msgId": one["msgId"]} for one in received["msgInfoList"]]}
    assert [one["msgBody"] for one in received["msgInfoList"]] == ["a", "b"]


@of_account
async def test_what_is_delayed_comes_later(account: Account) -> None:
    await account.call("CreateQueue", queueName="q")
    await account.call("BatchSendMessage", queueName="q", msgBody=["x"], delaySeconds=3600)
    await account.refused(Row.NO_MESSAGE, "ReceiveMessage", queueName="q")
    account.clock.advance(3600)
    assert (await account.call("ReceiveMessage", queueName="q"))["msgBody"] == "x"


@of_account
async def test_bad_messages_are_refused_each_with_its_row(account: Account) -> None:
    await account.call("CreateQueue", queueName="q", maxMsgSize=KIB)
    await account.refused(Row.PARAMETER_MISSING, "SendMessage", queueName="q")
    await account.refused(Row.PARAMETER_MISSING, "SendMessage", msgBody="x")
    await account.refused(Row.PARAMETER_MISSING, "BatchSendMessage", queueName="q")
    await account.refused(Row.EMPTY_BODY, "SendMessage", queueName="q", msgBody="")
    await account.refused(Row.EMPTY_BODY, "BatchSendMessage", queueName="q", msgBody=["a", ""])
    await account.refused(Row.BATCH_TOO_BIG, "BatchSendMessage", queueName="q", msgBody=["a"] * 17)
    await account.refused(Row.INDICES, "BatchSendMessage", queueName="q", msgBody__1="a", msgBody__3="b")
    await account.refused(Row.MESSAGE_TOO_BIG, "SendMessage", queueName="q", msgBody="\u00e9" * (KIB // 2 + 1))
    await account.refused(
        Row.TOTAL_TOO_BIG, "BatchSendMessage", queueName="q", msgBody=["a" * (KIB * KIB // 2), "b" * KIB * KIB]
    )
    await account.refused(Row.NO_QUEUE, "SendMessage", queueName="other", msgBody="x")
    await account.refused(Row.BAD_QUEUE_NAME, "SendMessage", queueName="1st", msgBody="x")


@of_account
async def test_bad_delays_are_refused(account: Account) -> None:
    await account.call("CreateQueue", queueName="q")
    for delay in (-1, 3601):
        await account.refused(Row.BAD_DELAY, "SendMessage", queueName="q", msgBody="x", delaySeconds=delay)
    await account.refused(Row.PARAMETER_TYPE, "SendMessage", queueName="q", msgBody="x", delaySeconds="soon")
    delayed = {"msgBody": ["x"] * (DELAYED + 1), "delaySeconds": 1}
    await account.refused(Row.TOO_MANY_IN_FLIGHT, "BatchSendMessage", queueName="q", **delayed)
