"""CreateQueue."""

from adapters.gateway.acting.queue_settings import SETTINGS
from adapters.gateway.errors import Row
from pipeline.cmq_registry import DeadLetterPolicy, QueueAttributes
from tests.unit.gateway.actions.account import Account, check_ranges, of_account

RANGES = {name: (one.least, one.most) for name, one in SETTINGS.items()}


@of_account
async def test_a_queue_is_made_with_cmqs_defaults(account: Account) -> None:
    reply = await account.call("CreateQueue", queueName="Orders-1")
    info = await account.queues.info("Orders-1")
    assert reply == {"queueId": info.queue_id}
    assert info.attributes == QueueAttributes()


@of_account
async def test_a_queue_is_made_with_what_is_asked_for(account: Account) -> None:
    asked = {name: one.most for name, one in SETTINGS.items()}
    await account.call("CreateQueue", queueName="q", **asked)
    assert (await account.queues.info("q")).attributes == QueueAttributes(
        1_000_000_000, 30, 43_200, 1_048_576, 1_296_000, 1_296_000
    )


@of_account
async def test_numbers_beyond_their_ranges_are_refused(account: Account) -> None:
    await check_ranges(account, "CreateQueue", RANGES, queueName="q")
    await account.refused(
        Row.PARAMETER_OUT_OF_RANGE, "CreateQueue", queueName="q", msgRetentionSeconds=60, rewindSeconds=61
    )


@of_account
async def test_names_that_cmq_does_not_allow_are_refused(account: Account) -> None:
    await account.refused(Row.PARAMETER_MISSING, "CreateQueue")
    for name in ("1st", "a.b", "a b", "a" * 65, "\u00e9", "a-retry", "a-DLQ"):
        await account.refused(Row.BAD_QUEUE_NAME, "CreateQueue", queueName=name)


@of_account
async def test_a_name_is_taken_in_any_case_and_for_half_a_minute_after(account: Account) -> None:
    await account.call("CreateQueue", queueName="q")
    await account.refused(Row.QUEUE_EXISTS, "CreateQueue", queueName="Q")
    await account.call("DeleteQueue", queueName="q")
    await account.refused(Row.NAME_BEING_RELEASED, "CreateQueue", queueName="Q")
    account.clock.advance(30)
    await account.call("CreateQueue", queueName="Q")


@of_account
async def test_there_are_only_so_many_queues(account: Account) -> None:
    for name in "abc":
        await account.call("CreateQueue", queueName=name)
    await account.refused(Row.QUEUE_LIMIT, "CreateQueue", queueName="d")


@of_account
async def test_a_dead_letter_policy_is_taken(account: Account) -> None:
    await account.call("CreateQueue", queueName="dead")
    policy = {"deadLetterPolicy__deadLetterQueue": "dead", "deadLetterPolicy__maxReceiveCount": 3}
    await account.call("CreateQueue", queueName="q", **policy)
    assert (await account.queues.info("q")).attributes.dead_letter == DeadLetterPolicy("dead", 3)
    aged = {"deadLetterPolicy__deadLetterQueueName": "dead", "deadLetterPolicy__maxTimeToLive": 300}
    await account.call("CreateQueue", queueName="r", **aged)
    assert (await account.queues.info("r")).attributes.dead_letter == DeadLetterPolicy("dead", 0, 300)


@of_account
async def test_a_dead_letter_policy_without_a_plain_queue_or_a_limit_is_refused(account: Account) -> None:
    dead = {"queueName": "q", "deadLetterPolicy__deadLetterQueue": "dead"}
    limit = {"deadLetterPolicy__maxReceiveCount": 3}
    await account.refused(Row.NO_QUEUE, "CreateQueue", **dead, **limit)
    await account.call("CreateQueue", queueName="dead")
    await account.refused(Row.PARAMETER_MISSING, "CreateQueue", **dead)
    for name, values in (("maxReceiveCount", (0, 1001)), ("maxTimeToLive", (299, 43_201))):
        for value in values:
            await account.refused(
                Row.PARAMETER_OUT_OF_RANGE, "CreateQueue", **dead, **{f"deadLetterPolicy__{name}": value}
            )
    await account.call("CreateQueue", **dead, **limit)
    nested = {"queueName": "r", "deadLetterPolicy__deadLetterQueue": "q"}
    await account.refused(Row.BAD_PARAMETER, "CreateQueue", **nested, **limit)
