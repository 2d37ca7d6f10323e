"""ListTopic."""

from tests.unit.gateway.actions.account import Account, check_ranges, of_account


@of_account
async def test_topics_are_listed_with_their_number_before_paging(account: Account) -> None:
    ids = {name: (await account.call("CreateTopic", topicName=name))["topicId"] for name in ("b-1", "a-1")}
    assert await account.call("ListTopic", searchWord="-1", offset=1, limit=5) == {
        "totalCount": 2,
        "topicList": [{"topicId": ids["b-1"], "topicName": "b-1"}],
    }


@of_account
async def test_pages_beyond_their_range_are_refused(account: Account) -> None:
    await check_ranges(account, "ListTopic", {"limit": (0, 50), "offset": (0, 2**31 - 1)})
