"""SetQueueAttributes."""

from adapters.gateway.errors import Row
from tests.unit.gateway.actions.account import Account, check_ranges, of_account
from tests.unit.gateway.actions.test_create_queue import RANGES


@of_account
async def test_what_is_changed_is_told_again(account: Account) -> None:
    await account.call("CreateQueue", queueName="q", maxMsgSize=2048)
    changes = {"pollingWaitSeconds": 5, "visibilityTimeout": 60}
    assert await account.call("SetQueueAttributes", queueName="q", **changes) == changes
    attributes = (await account.queues.info("q")).attributes
    assert (attributes.polling_wait_s, attributes.visibility_timeout_s, attributes.max_msg_size) == (5, 60, 2048)
    assert await account.call("SetQueueAttributes", queueName="q") == {}


@of_account
async def test_numbers_beyond_their_ranges_are_refused(account: Account) -> None:
    await account.call("CreateQueue", queueName="q", msgRetentionSeconds=600, rewindSeconds=300)
    await check_ranges(account, "SetQueueAttributes", RANGES, queueName="q")
    await account.refused(Row.PARAMETER_OUT_OF_RANGE, "SetQueueAttributes", queueName="q", rewindSeconds=601)
    await account.refused(Row.PARAMETER_OUT_OF_RANGE, "SetQueueAttributes", queueName="q", msgRetentionSeconds=299)
    await account.refused(Row.NO_QUEUE, "SetQueueAttributes", queueName="other", rewindSeconds=0)
