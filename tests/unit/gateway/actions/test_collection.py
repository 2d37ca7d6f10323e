"""All of CMQ's actions, and how one is added."""

from pathlib import Path

from adapters.gateway import actions
from adapters.gateway.actions import ACTIONS

CHANGING = {
    "BatchDeleteMessage", "BatchPublishMessage", "BatchReceiveMessage", "BatchSendMessage",
    "ClearSubscriptionFilterTags", "CreateQueue", "CreateTopic", "DeleteMessage",
    "DeleteQueue", "DeleteTopic", "PublishMessage", "ReceiveMessage",
    "RewindQueue", "SendMessage", "SetQueueAttributes", "SetSubscriptionAttributes", "SetTopicAttributes", "Subscribe",
    "Unsubscribe",
}  # fmt: skip
READING = {
    "GetQueueAttributes", "GetSubscriptionAttributes", "GetTopicAttributes", "ListQueue", "ListSubscriptionByTopic",
    "ListTopic",
}  # fmt: skip


def test_these_are_the_actions() -> None:
    assert {action.name for action in ACTIONS.values() if action.changes} == CHANGING
    assert {action.name for action in ACTIONS.values() if not action.changes} == READING


def test_an_action_is_looked_up_by_its_name_in_lower_case() -> None:
    assert all(name == action.name.lower() for name, action in ACTIONS.items())


def test_receives_are_the_long_polls() -> None:
    polls = {action.name for action in ACTIONS.values() if action.long_poll}
    assert polls == {"ReceiveMessage", "BatchReceiveMessage"}


def test_every_module_of_actions_has_its_module_of_tests() -> None:
    modules = {path.stem for path in Path(actions.__path__[0]).glob("*.py")} - {"__init__"}
    tested = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")} - {"collection"}
    assert tested == modules
