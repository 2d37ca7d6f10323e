"""RewindQueue."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, of_account


@of_account
async def test_a_deleted_message_comes_back(account: Account) -> None:
    await account.call("CreateQueue", queueName="q", rewindSeconds=600)
    await account.call("SendMessage", queueName="q", msgBody="x")
    handle = (await account.call("ReceiveMessage", queueName="q"))["receiptHandle"]
    await account.call("DeleteMessage", queueName="q", receiptHandle=handle)
    await account.refused(Row.NO_MESSAGE, "ReceiveMessage", queueName="q")
    assert await account.call("RewindQueue", queueName="q", startConsumeTime=account.now_s) == {}
    assert (await account.call("ReceiveMessage", queueName="q"))["msgBody"] == "x"


@of_account
async def test_what_cannot_be_rewound_is_refused_each_with_its_row(account: Account) -> None:
    await account.call("CreateQueue", queueName="still")
    await account.call("CreateQueue", queueName="q", rewindSeconds=600)
    await account.refused(Row.CANNOT_REWIND, "RewindQueue", queueName="still", startConsumeTime=account.now_s)
    for start_s in (account.now_s - 601, account.now_s + 1, -1, 10**18):
        await account.refused(Row.BAD_REWIND_TIME, "RewindQueue", queueName="q", startConsumeTime=start_s)
    await account.refused(Row.PARAMETER_MISSING, "RewindQueue", queueName="q")
    await account.refused(Row.PARAMETER_TYPE, "RewindQueue", queueName="q", startConsumeTime="yesterday")
    await account.refused(Row.NO_QUEUE, "RewindQueue", queueName="other", startConsumeTime=account.now_s)
