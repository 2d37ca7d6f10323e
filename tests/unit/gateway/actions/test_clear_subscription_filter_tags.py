"""ClearSubscriptionFilterTags."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, of_account
from tests.unit.gateway.actions.test_subscribe import HTTP, with_topics

NAMES = {"topicName": "t", "subscriptionName": "s"}


@of_account
async def test_without_its_tags_a_subscription_gets_everything(account: Account) -> None:
    await with_topics(account)
    await account.call("Subscribe", **HTTP, filterTag=["a"])
    await account.refused(Row.NO_MATCH, "PublishMessage", topicName="t", msgBody="x")
    assert await account.call("ClearSubscriptionFilterTags", **NAMES) == {}
    await account.call("PublishMessage", topicName="t", msgBody="x")
    assert account.topics.pushed("t", "s") == [b"x"]


@of_account
async def test_a_subscription_that_is_not_there_is_told(account: Account) -> None:
    await account.call("CreateTopic", topicName="t")
    await account.refused(Row.NO_SUBSCRIPTION, "ClearSubscriptionFilterTags", **NAMES)
