"""ReceiveMessage, BatchReceiveMessage."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import IN_FLIGHT, Account, check_ranges, of_account


@of_account
async def test_the_seven_fields_are_strings_and_numbers_as_clients_take_them(account: Account) -> None:
    await account.call("CreateQueue", queueName="q", visibilityTimeout=40)
    sent = await account.call("SendMessage", queueName="q", msgBody="x")
    account.clock.advance(2)
    reply = await account.call("ReceiveMessage", queueName="q", pollingWaitSeconds=0, UserpollingWaitSeconds=30)
    handle = reply.pop("receiptHandle")
    assert isinstance(handle, str)
    assert reply == {
        "msgId": sent["msgId"],
        "msgBody": "x",
        "enqueueTime": account.now_s - 2,
        "firstDequeueTime": account.now_s,
        "nextVisibleTime": account.now_s + 40,
        "dequeueCount": 1,
    }


@of_account
async def test_a_batch_gives_what_is_there_up_to_the_number(account: Account) -> None:
    await account.call("CreateQueue", queueName="q")
    await account.call("SendMessage", queueName="q", msgBody="x")
    reply = await account.call("BatchReceiveMessage", queueName="q", numOfMsg=16)
    assert [len(one) for one in reply["msgInfoList"]] == [7]


@of_account
async def test_a_body_that_is_no_utf8_is_told_nevertheless(account: Account) -> None:
    await account.call("CreateQueue", queueName="q")
    account.queues.append("q", [b"a\xffb"])
    assert (await account.call("ReceiveMessage", queueName="q"))["msgBody"] == "a\ufffdb"


@of_account
async def test_an_empty_queue_says_no_message(account: Account) -> None:
    await account.call("CreateQueue", queueName="q")
    await account.refused(Row.NO_MESSAGE, "ReceiveMessage", queueName="q")
    await account.refused(Row.NO_MESSAGE, "BatchReceiveMessage", queueName="q", numOfMsg=1)


@of_account
async def test_bad_receives_are_refused_each_with_its_row(account: Account) -> None:
    await account.call("CreateQueue", queueName="q")
    await account.refused(Row.PARAMETER_MISSING, "ReceiveMessage")
    await account.refused(Row.PARAMETER_MISSING, "BatchReceiveMessage", queueName="q")
    await account.refused(Row.NO_QUEUE, "ReceiveMessage", queueName="other")
    await check_ranges(account, "BatchReceiveMessage", {"numOfMsg": (1, 16)}, queueName="q")
    await check_ranges(account, "ReceiveMessage", {"pollingWaitSeconds": (0, 30)}, queueName="q")


@of_account
async def test_with_too_many_messages_out_no_more_are_given(account: Account) -> None:
    await account.call("CreateQueue", queueName="q")
    await account.call("BatchSendMessage", queueName="q", msgBody=["x"] * (IN_FLIGHT + 1))
    await account.call("BatchReceiveMessage", queueName="q", numOfMsg=IN_FLIGHT)
    await account.refused(Row.TOO_MANY_IN_FLIGHT, "ReceiveMessage", queueName="q")
