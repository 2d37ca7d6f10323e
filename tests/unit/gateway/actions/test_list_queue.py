"""ListQueue."""

from tests.unit.gateway.actions.account import Account, check_ranges, of_account


@of_account
async def test_queues_are_listed_with_their_number_before_paging(account: Account) -> None:
    ids = {name: (await account.call("CreateQueue", queueName=name))["queueId"] for name in ("b-1", "a-1", "c-2")}
    listed = await account.call("ListQueue")
    assert listed["totalCount"] == 3
    assert listed["queueList"] == [{"queueId": ids[name], "queueName": name} for name in sorted(ids)]
    assert await account.call("ListQueue", searchWord="-1", offset=1, limit=1) == {
        "totalCount": 2,
        "queueList": [{"queueId": ids["b-1"], "queueName": "b-1"}],
    }
    assert await account.call("ListQueue", offset=3, limit=50) == {"totalCount": 3, "queueList": []}


@of_account
async def test_pages_beyond_their_range_are_refused(account: Account) -> None:
    await check_ranges(account, "ListQueue", {"limit": (0, 50), "offset": (0, 2**31 - 1)})
