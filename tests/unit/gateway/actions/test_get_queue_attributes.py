"""GetQueueAttributes."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, of_account


@of_account
async def test_settings_times_and_counts_are_told(account: Account) -> None:
    created_s = account.now_s
    reply = await account.call("CreateQueue", queueName="Orders", rewindSeconds=600)
    account.clock.advance(10)
    await account.call("SetQueueAttributes", queueName="Orders", visibilityTimeout=60)
    await account.call("BatchSendMessage", queueName="Orders", msgBody=list("abc"))
    await account.call("SendMessage", queueName="Orders", msgBody="later", delaySeconds=60)
    received = await account.call("BatchReceiveMessage", queueName="Orders", numOfMsg=2)
    handle = received["msgInfoList"][0]["receiptHandle"]
    await account.call("DeleteMessage", queueName="Orders", receiptHandle=handle)
    assert await account.call("GetQueueAttributes", queueName="orders") == {
        "queueName": "Orders",
        "queueId": reply["queueId"],
        "maxMsgHeapNum": 10_000_000,
        "pollingWaitSeconds": 0,
        "visibilityTimeout": 60,
        "maxMsgSize": 65_536,
        "msgRetentionSeconds": 345_600,
        "rewindSeconds": 600,
        "createTime": created_s,
        "lastModifyTime": created_s + 10,
        "activeMsgNum": 1,
        "inactiveMsgNum": 1,
        "delayMsgNum": 1,
        "rewindmsgNum": 1,
        "rewindMsgNum": 1,
        "minMsgTime": created_s + 10,
    }


@of_account
async def test_a_queue_that_is_not_there_is_told(account: Account) -> None:
    await account.refused(Row.NO_QUEUE, "GetQueueAttributes", queueName="q")
