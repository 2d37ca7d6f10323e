"""GetSubscriptionAttributes."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, of_account
from tests.unit.gateway.actions.test_subscribe import HTTP, with_topics

NAMES = {"topicName": "t", "subscriptionName": "s"}


@of_account
async def test_every_spelling_that_a_client_looks_for_is_there_and_no_list_is_null(account: Account) -> None:
    await with_topics(account)
    await account.call("Subscribe", **HTTP, filterTag=["a"])
    await account.call("PublishMessage", topicName="t", msgBody="x", msgTag=["a"])
    assert await account.call("GetSubscriptionAttributes", **NAMES) == {
        "topicOwner": "1250000000",
        "msgCount": 1,
        "protocol": "http",
        "protocal": "http",
        "endpoint": "http://h/p",
        "notifyStrategy": "EXPONENTIAL_DECAY_RETRY",
        "notifyContentFormat": "JSON",
        "filterTag": ["a"],
        "filterTags": ["a"],
        "bindingKey": [],
        "bindindKey": [],
        "createTime": account.now_s,
        "lastModifyTime": account.now_s,
    }


@of_account
async def test_what_is_not_there_is_told(account: Account) -> None:
    await account.refused(Row.NO_TOPIC, "GetSubscriptionAttributes", **NAMES)
    await account.call("CreateTopic", topicName="t")
    await account.refused(Row.NO_SUBSCRIPTION, "GetSubscriptionAttributes", **NAMES)
