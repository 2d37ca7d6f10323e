"""DeleteMessage, BatchDeleteMessage."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, of_account


async def two_handles(account: Account) -> list[str]:
    await account.call("CreateQueue", queueName="q")
    await account.call("BatchSendMessage", queueName="q", msgBody=list("ab"))
    received = await account.call("BatchReceiveMessage", queueName="q", numOfMsg=2)
    return [one["receiptHandle"] for one in received["msgInfoList"]]


def invalid(handle: str) -> dict[str, object]:
    return {"code": 4430, "message": "(10260)receipt handle is invalid", "receiptHandle": handle}


@of_account
async def test_a_deleted_message_is_answered_with_nothing_more(account: Account) -> None:
    first, second = await two_handles(account)
    assert await account.call("DeleteMessage", queueName="q", receiptHandle=first) == {}
    assert await account.call("BatchDeleteMessage", queueName="q", receiptHandle=[second]) == {}
    account.clock.advance(60)
    await account.refused(Row.NO_MESSAGE, "ReceiveMessage", queueName="q")


@of_account
async def test_a_batch_that_failed_in_part_tells_those_that_failed(account: Account) -> None:
    first, second = await two_handles(account)
    reply = await account.call("BatchDeleteMessage", queueName="q", receiptHandle=[first, "bad", second])
    message = "(10150)delete message partially failed"
    assert reply == {"code": 6010, "message": message, "errorList": [invalid("bad")]}


@of_account
async def test_a_batch_that_failed_wholly_says_so(account: Account) -> None:
    await two_handles(account)
    reply = await account.call("BatchDeleteMessage", queueName="q", receiptHandle=["bad", "worse"])
    message = "(10290)delete message all failed"
    assert reply == {"code": 6020, "message": message, "errorList": [invalid("bad"), invalid("worse")]}


@of_account
async def test_bad_deletes_are_refused_each_with_its_row(account: Account) -> None:
    [handle, _] = await two_handles(account)
    await account.refused(Row.PARAMETER_MISSING, "DeleteMessage", queueName="q")
    await account.refused(Row.PARAMETER_MISSING, "BatchDeleteMessage", queueName="q")
    await account.refused(Row.BATCH_TOO_BIG, "BatchDeleteMessage", queueName="q", receiptHandle=["h"] * 17)
    await account.refused(Row.BAD_HANDLE, "DeleteMessage", queueName="q", receiptHandle="bad")
    await account.refused(Row.BAD_HANDLE, "DeleteMessage", queueName="q", receiptHandle=handle[:-2] + "9" * 5_000)
    await account.refused(Row.NO_QUEUE, "DeleteMessage", queueName="other", receiptHandle=handle)
    account.clock.advance(30)
    await account.refused(Row.BAD_HANDLE, "DeleteMessage", queueName="q", receiptHandle=handle)
