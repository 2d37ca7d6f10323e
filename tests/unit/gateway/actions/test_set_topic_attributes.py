"""SetTopicAttributes."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, check_ranges, of_account


@of_account
async def test_the_message_size_is_changed_or_stays(account: Account) -> None:
    await account.call("CreateTopic", topicName="t")
    assert await account.call("SetTopicAttributes", topicName="t", maxMsgSize=2048) == {}
    assert await account.call("SetTopicAttributes", topicName="t") == {}
    assert (await account.topics.info("t"))[0].max_msg_size == 2048


@of_account
async def test_bad_changes_are_refused(account: Account) -> None:
    await account.call("CreateTopic", topicName="t")
    await check_ranges(account, "SetTopicAttributes", {"maxMsgSize": (1024, 1_048_576)}, topicName="t")
    await account.refused(Row.NO_TOPIC, "SetTopicAttributes", topicName="T", maxMsgSize=2048)
