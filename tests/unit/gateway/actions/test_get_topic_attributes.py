"""GetTopicAttributes."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, of_account


@of_account
async def test_settings_times_and_the_number_of_messages_are_told(account: Account) -> None:
    created_s = account.now_s
    await account.call("CreateTopic", topicName="t", filterType=2, maxMsgSize=2048)
    assert await account.call("GetTopicAttributes", topicName="t") == {
        "msgCount": 0,
        "maxMsgSize": 2048,
        "msgRetentionSeconds": 86_400,
        "createTime": created_s,
        "lastModifyTime": created_s,
        "filterType": 2,
        "LoggingEnabled": False,
    }


@of_account
async def test_a_topic_that_is_not_there_is_told(account: Account) -> None:
    await account.refused(Row.NO_TOPIC, "GetTopicAttributes", topicName="t")
