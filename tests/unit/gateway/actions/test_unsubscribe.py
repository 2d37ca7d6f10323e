"""Unsubscribe."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, of_account
from tests.unit.gateway.actions.test_subscribe import HTTP, with_topics

NAMES = {"topicName": "t", "subscriptionName": "s"}


@of_account
async def test_a_subscription_ends(account: Account) -> None:
    await with_topics(account)
    await account.call("Subscribe", **HTTP)
    assert await account.call("Unsubscribe", **NAMES) == {}
    await account.refused(Row.NO_SUBSCRIPTION, "Unsubscribe", **NAMES)
    await account.refused(Row.TOPIC_WITHOUT_SUBSCRIPTION, "PublishMessage", topicName="t", msgBody="x")
