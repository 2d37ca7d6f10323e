"""DeleteTopic."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, of_account


@of_account
async def test_a_topic_goes_once_nobody_subscribes_to_it(account: Account) -> None:
    await account.call("CreateTopic", topicName="t")
    names = {"topicName": "t", "subscriptionName": "s"}
    await account.call("Subscribe", **names, protocol="http", endpoint="http://h/")
    await account.refused(Row.TOPIC_HAS_SUBSCRIPTIONS, "DeleteTopic", topicName="t")
    await account.call("Unsubscribe", **names)
    assert await account.call("DeleteTopic", topicName="t") == {}
    await account.refused(Row.NO_TOPIC, "DeleteTopic", topicName="t")
