"""How old an event may get, and how long its topic keeps it: the dead letters must come before the log loses it.

Shape   check_ages(tree, faults): `max_age_s` of each HTTP subscription against `topics.retention_s`
Works   on the tree, before it is a Settings: so these faults are told along with all others
"""

from typing import Any

from adapters.settings import HttpSubscriptionSettings, TopicSettings
from adapters.settings_faults import Faults

MAX_AGE, RETENTION = "max_age_s", "retention_s"


def check_ages(tree: dict[str, Any], faults: Faults) -> None:
    """Add what is wrong with them."""
    kept_s = _number(tree.get("topics"), RETENTION, TopicSettings.model_fields[RETENTION].default)
    entries = tree.get("subscriptions")
    for index, one in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(one, dict) or one.get("protocol") != "http":
            continue
        age_s = _number(one, MAX_AGE, HttpSubscriptionSettings.model_fields[MAX_AGE].default)
        if kept_s is not None and age_s is not None and age_s >= kept_s:
            reason = f"{age_s:g} s must be below topics.{RETENTION}, {kept_s:g} s, or events fall off the log unseen"
            faults.add(("subscriptions", index, MAX_AGE), reason, value=False)


def _number(section: object, name: str, default: float) -> float | None:
    """What is written, or the default; None where it is no number, which the model says."""
    value = section.get(name, default) if isinstance(section, dict) else default
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
