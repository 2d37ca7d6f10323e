"""CreateTopic."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, check_ranges, of_account


@of_account
async def test_a_topic_is_made_with_cmqs_defaults(account: Account) -> None:
    reply = await account.call("CreateTopic", topicName="Orders")
    entry, _ = await account.topics.info("Orders")
    assert reply == {"topicId": entry.topic_id}
    assert (entry.filter_type, entry.max_msg_size) == (1, 65_536)


@of_account
async def test_bad_topics_are_refused_each_with_its_row(account: Account) -> None:
    await account.refused(Row.PARAMETER_MISSING, "CreateTopic")
    for name in ("1st", "a.b", "a" * 65, "queue"):
        await account.refused(Row.BAD_TOPIC_NAME, "CreateTopic", topicName=name)
    await check_ranges(account, "CreateTopic", {"filterType": (1, 2), "maxMsgSize": (1024, 1_048_576)}, topicName="t")
    await account.call("CreateTopic", topicName="t")
    await account.refused(Row.TOPIC_EXISTS, "CreateTopic", topicName="T")
    await account.call("CreateTopic", topicName="u")
    await account.refused(Row.TOPIC_LIMIT, "CreateTopic", topicName="v")
    await account.call("DeleteTopic", topicName="u")
    await account.refused(Row.NAME_BEING_RELEASED, "CreateTopic", topicName="U")
