"""ListSubscriptionByTopic."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, check_ranges, of_account
from tests.unit.gateway.actions.test_subscribe import HTTP, with_topics


@of_account
async def test_subscriptions_are_listed_with_their_number_before_paging(account: Account) -> None:
    await with_topics(account)
    await account.call("Subscribe", **HTTP)
    made = await account.call("Subscribe", topicName="t", subscriptionName="a", protocol="queue", endpoint="q")
    assert await account.call("ListSubscriptionByTopic", topicName="t", offset=0, limit=1) == {
        "totalCount": 2,
        "subscriptionList": [
            {
                "subscriptionId": made["subscriptionId"],
                "subscriptionName": "a",
                "protocol": "queue",
                "endpoint": "q",
            }
        ],
    }


@of_account
async def test_bad_lists_are_refused(account: Account) -> None:
    await account.call("CreateTopic", topicName="t")
    await check_ranges(account, "ListSubscriptionByTopic", {"limit": (0, 100), "offset": (0, 2**31 - 1)}, topicName="t")
    await account.refused(Row.NO_TOPIC, "ListSubscriptionByTopic", topicName="other")
