"""DeleteQueue."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, of_account


@of_account
async def test_a_deleted_queue_is_not_there_any_more(account: Account) -> None:
    await account.call("CreateQueue", queueName="q")
    assert await account.call("DeleteQueue", queueName="Q") == {}
    await account.refused(Row.NO_QUEUE, "DeleteQueue", queueName="q")
    await account.refused(Row.NO_QUEUE, "SendMessage", queueName="q", msgBody="x")
