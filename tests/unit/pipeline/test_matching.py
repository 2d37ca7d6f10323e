"""Which topics asked for an event, and with which variables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.matching import Matcher, Target
from schemas.events import EVENT_NAMES, EventVar
from schemas.notifications import EventConfig, Notification

ME = (EventVar("who", "me"),)


def test_an_event_goes_to_every_topic_that_asked_in_their_order_with_its_own_variables() -> None:
    matcher = Matcher(
        [
            Notification("b", (EventConfig("JOB_FAILED", ME), EventConfig("JOB_SUCCEED"))),
            Notification("a", (EventConfig("JOB_FAILED"),)),
        ]
    )
    assert matcher.targets("JOB_FAILED") == (Target("b", ME), Target("a", ()))
    assert matcher.targets("JOB_SUCCEED") == (Target("b", ()),)


@pytest.mark.parametrize("notifications", [(), (Notification("t", (EventConfig("JOB_FAILED"),)),)])
def test_an_event_that_nobody_asked_for_goes_nowhere(notifications: tuple[Notification, ...]) -> None:
    assert Matcher(notifications).targets("JOB_RUNNING") == ()


@given(
    st.lists(
        st.builds(
            Notification,
            st.sampled_from("abc"),
            st.lists(st.builds(EventConfig, st.sampled_from(EVENT_NAMES)), max_size=4).map(tuple),
        ),
        max_size=4,
    ),
    st.sampled_from(EVENT_NAMES),
)
def test_there_is_a_target_for_each_config_that_names_the_event(notifications: list[Notification], name: str) -> None:
    asked = [one.topic_name for one in notifications for config in one.event_configs if config.event_name == name]
    assert [target.topic_name for target in Matcher(notifications).targets(name)] == asked
