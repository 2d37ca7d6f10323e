"""SetSubscriptionAttributes."""

import msgspec

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, of_account
from tests.unit.gateway.actions.test_subscribe import HTTP, with_topics

NAMES = {"topicName": "t", "subscriptionName": "s"}


@of_account
async def test_what_is_said_is_changed_and_nothing_else(account: Account) -> None:
    await with_topics(account)
    await account.call("Subscribe", **HTTP, filterTag=["a"])
    before, _ = await account.topics.subscription("t", "s")
    changes = {"notifyStrategy": "BACKOFF_RETRY", "filterTag": ["b", "c"]}
    fixed = {"protocol": "queue", "endpoint": "elsewhere"}
    assert await account.call("SetSubscriptionAttributes", **NAMES, **changes, **fixed) == {}
    expected = msgspec.structs.replace(before, notify_strategy="BACKOFF_RETRY", filter_tags=("b", "c"))
    assert (await account.topics.subscription("t", "s"))[0] == expected
    await account.call("SetSubscriptionAttributes", **NAMES)
    assert (await account.topics.subscription("t", "s"))[0] == expected


@of_account
async def test_a_queue_keeps_the_plain_text_whatever_is_asked_for(account: Account) -> None:
    await with_topics(account)
    await account.call("Subscribe", **NAMES, protocol="queue", endpoint="q")
    await account.call("SetSubscriptionAttributes", **NAMES, notifyContentFormat="JSON")
    assert (await account.topics.subscription("t", "s"))[0].notify_content_format == "SIMPLIFIED"


@of_account
async def test_bad_changes_are_refused_each_with_its_row(account: Account) -> None:
    await with_topics(account)
    await account.refused(Row.NO_SUBSCRIPTION, "SetSubscriptionAttributes", **NAMES)
    await account.refused(Row.NO_TOPIC, "SetSubscriptionAttributes", topicName="other", subscriptionName="s")
    await account.call("Subscribe", **HTTP)
    await account.refused(Row.BAD_NOTIFY_STRATEGY, "SetSubscriptionAttributes", **NAMES, notifyStrategy="NEVER")
    await account.refused(Row.BAD_CONTENT_FORMAT, "SetSubscriptionAttributes", **NAMES, notifyContentFormat="XML")
    await account.refused(Row.TOO_MANY_FILTER_TAGS, "SetSubscriptionAttributes", **NAMES, filterTag=list("abcdef"))


@of_account
async def test_a_subscription_of_the_configuration_is_not_changed(account: Account) -> None:
    await with_topics(account)
    await account.call("Subscribe", **HTTP)
    entry, _ = await account.topics.subscription("t", "s")
    await account.call("Unsubscribe", **NAMES)
    await account.topics.subscribe(msgspec.structs.replace(entry, configured=True))
    await account.refused(Row.NOT_PERMITTED, "SetSubscriptionAttributes", **NAMES, notifyStrategy="BACKOFF_RETRY")
    await account.refused(Row.NOT_PERMITTED, "ClearSubscriptionFilterTags", **NAMES)
    await account.refused(Row.NOT_PERMITTED, "Unsubscribe", **NAMES)
