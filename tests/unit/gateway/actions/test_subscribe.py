"""Subscribe."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, of_account

HTTP = {"topicName": "t", "subscriptionName": "s", "protocol": "http", "endpoint": "http://h/p"}


async def with_topics(account: Account) -> None:
    await account.call("CreateQueue", queueName="q")
    await account.call("CreateTopic", topicName="t")
    await account.call("CreateTopic", topicName="keyed", filterType=2)


@of_account
async def test_a_subscription_has_the_services_defaults_and_its_id_is_told(account: Account) -> None:
    await with_topics(account)
    reply = await account.call("Subscribe", **HTTP)
    entry, _ = await account.topics.subscription("t", "s")
    assert reply == {"subscriptionId": entry.subscription_id}
    assert (entry.notify_strategy, entry.notify_content_format) == ("EXPONENTIAL_DECAY_RETRY", "JSON")
    assert (entry.protocol, entry.endpoint, entry.filter_tags, entry.binding_keys) == ("http", "http://h/p", (), ())


@of_account
async def test_a_queue_that_asks_for_json_gets_the_plain_text(account: Account) -> None:
    await with_topics(account)
    for name, wish in (("asks", {"notifyContentFormat": "JSON"}), ("says-nothing", {})):
        await account.call("Subscribe", topicName="t", subscriptionName=name, protocol="queue", endpoint="q", **wish)
        assert (await account.topics.subscription("t", name))[0].notify_content_format == "SIMPLIFIED"


@of_account
async def test_what_is_asked_for_is_kept_as_far_as_the_topics_filter_looks_at_it(account: Account) -> None:
    await with_topics(account)
    asked = {"notifyStrategy": "BACKOFF_RETRY", "filterTag": ["a", "b"], "bindingKey": ["1.#"]}
    await account.call("Subscribe", **HTTP, **asked, notifyContentFormat="SIMPLIFIED")
    entry, _ = await account.topics.subscription("t", "s")
    assert (entry.notify_strategy, entry.notify_content_format) == ("BACKOFF_RETRY", "SIMPLIFIED")
    assert (entry.filter_tags, entry.binding_keys) == (("a", "b"), ())
    await account.call("Subscribe", **{**HTTP, "topicName": "keyed"}, **asked)
    entry, _ = await account.topics.subscription("keyed", "s")
    assert (entry.filter_tags, entry.binding_keys) == ((), ("1.#",))


@of_account
async def test_the_php_sdks_spelling_of_binding_keys_is_taken(account: Account) -> None:
    await with_topics(account)
    await account.call("Subscribe", **{**HTTP, "topicName": "keyed"}, bindindKey=["1.*"])
    assert (await account.topics.subscription("keyed", "s"))[0].binding_keys == ("1.*",)


@of_account
async def test_what_must_be_there_is_missed(account: Account) -> None:
    await with_topics(account)
    for name in HTTP:
        left = {one: value for one, value in HTTP.items() if one != name}
        await account.refused(Row.PARAMETER_MISSING, "Subscribe", **left)
    await account.refused(Row.BINDING_KEY_MISSING, "Subscribe", **{**HTTP, "topicName": "keyed"}, filterTag=["a"])


@of_account
async def test_words_that_cmq_does_not_know_are_refused_each_with_its_row(account: Account) -> None:
    await with_topics(account)
    for row, wrong in (
        (Row.BAD_TOPIC_NAME, {"topicName": "1st"}),
        (Row.BAD_SUBSCRIPTION_NAME, {"subscriptionName": "1st"}),
        (Row.BAD_PROTOCOL, {"protocol": "HTTP"}),
        (Row.BAD_NOTIFY_STRATEGY, {"notifyStrategy": "NEVER"}),
        (Row.BAD_CONTENT_FORMAT, {"notifyContentFormat": "XML"}),
        (Row.NO_TOPIC, {"topicName": "other"}),
        (Row.NO_QUEUE, {"protocol": "queue", "endpoint": "other"}),
    ):
        await account.refused(row, "Subscribe", **{**HTTP, **wrong})


@of_account
async def test_endpoints_that_cannot_be_called_are_refused_each_with_its_row(account: Account) -> None:
    await with_topics(account)
    for row, endpoint in (
        (Row.BAD_ENDPOINT, "ftp://h/"),
        (Row.BAD_ENDPOINT, "q"),
        (Row.BAD_ENDPOINT, "http://h/" + "x" * 492),
        (Row.BLANK_IN_URL, "http://h/a b"),
        (Row.BLANK_IN_URL, "http://h/\n"),
        (Row.ILLEGAL_ENDPOINT, "http://"),
        (Row.ILLEGAL_ENDPOINT, "http://h:0/"),
        (Row.ILLEGAL_ENDPOINT, "http://h:99999/"),
        (Row.ILLEGAL_ENDPOINT, "http://user:word@h/"),
        (Row.ILLEGAL_ENDPOINT, "http://h/\u00e9"),
        (Row.ILLEGAL_ENDPOINT, "http://h/\x00"),
    ):
        await account.refused(row, "Subscribe", **{**HTTP, "endpoint": endpoint})
    await account.refused(Row.BAD_ENDPOINT, "Subscribe", **{**HTTP, "protocol": "queue", "endpoint": "http://h/"})
    await account.call("Subscribe", **{**HTTP, "endpoint": "https://h/" + "x" * 490})


@of_account
async def test_filters_beyond_their_limits_are_refused_each_with_its_row(account: Account) -> None:
    await with_topics(account)
    keyed = {**HTTP, "topicName": "keyed"}
    await account.refused(Row.TOO_MANY_FILTER_TAGS, "Subscribe", **HTTP, filterTag=list("abcdef"))
    await account.refused(Row.PARAMETER_OUT_OF_RANGE, "Subscribe", **HTTP, filterTag=["x" * 17])
    await account.refused(Row.TOO_MANY_BINDING_KEYS, "Subscribe", **keyed, bindingKey=list("abcdef"))
    await account.refused(Row.PARAMETER_OUT_OF_RANGE, "Subscribe", **keyed, bindingKey=["x" * 65])
    await account.refused(Row.PARAMETER_OUT_OF_RANGE, "Subscribe", **keyed, bindingKey=[""])
    await account.refused(Row.TOO_MANY_DOTS, "Subscribe", **keyed, bindingKey=["a." * 16])
    await account.refused(Row.INDICES, "Subscribe", **HTTP, filterTag__1="a", filterTag__3="b")


@of_account
async def test_a_name_is_taken_once_and_there_are_only_so_many(account: Account) -> None:
    await with_topics(account)
    await account.call("Subscribe", **HTTP)
    await account.refused(Row.SUBSCRIPTION_EXISTS, "Subscribe", **HTTP)
    await account.call("Subscribe", **{**HTTP, "subscriptionName": "r"})
    await account.refused(Row.SUBSCRIPTION_LIMIT, "Subscribe", **{**HTTP, "subscriptionName": "u"})
