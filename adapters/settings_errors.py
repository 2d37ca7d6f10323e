"""pydantic's errors in the words of a configuration file: the one table.

Shape   add_validation_errors(error, tree, faults)
"""

from typing import Any

from pydantic import BaseModel, ValidationError

from adapters.settings import (
    GatewayKeySettings,
    HttpSubscriptionSettings,
    QueueSubscriptionSettings,
    QuotaSettings,
    Settings,
    SubscriptionBase,
)
from adapters.settings_faults import Faults, Steps, value_at

_TAGS: dict[str, type[BaseModel]] = {"queue": QueueSubscriptionSettings, "http": HttpSubscriptionSettings}

_REASONS = {
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a whole number of a sensible size",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "frozen_set_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
}


def add_validation_errors(error: ValidationError, tree: object, faults: Faults, within: Steps = ()) -> None:
    """Add all of them, in our words."""
    for entry in error.errors(include_url=False, include_input=False):
        loc: Steps = (*within, *entry["loc"])
        steps = tuple(step for number, step in enumerate(loc) if not _is_tag(loc, number))
        if entry["type"] in {"union_tag_not_found", "union_tag_invalid"}:
            _add_without_protocol(tree, steps, faults)
        _add(entry["type"], loc, steps, str(entry["msg"]), faults)


def _add(kind: str, loc: Steps, steps: Steps, message: str, faults: Faults) -> None:
    match kind:
        case "missing":
            faults.add(steps, "is missing", value=False)
        case "extra_forbidden":
            reason = f"is not a key of the configuration; allowed: {', '.join(_model_of(loc[:-1]).model_fields)}"
            faults.add(steps, reason, value=False, always=True)
        case "union_tag_not_found":
            faults.add((*steps, "protocol"), "is missing; allowed: queue, http", value=False)
        case "union_tag_invalid":
            faults.add((*steps, "protocol"), "is no protocol; allowed: queue, http")
        case _:
            faults.add(steps, _REASONS.get(kind) or _own_words(message))


def _add_without_protocol(tree: object, steps: Steps, faults: Faults) -> None:
    """What both protocols ask for can be judged without knowing which it is."""
    entry = value_at(tree, steps)
    common = {name: value for name, value in entry.items() if name in SubscriptionBase.model_fields}
    try:
        SubscriptionBase.model_validate(common)
    except ValidationError as error:
        add_validation_errors(error, tree, faults, within=steps)


def _is_tag(loc: Steps, number: int) -> bool:
    """Whether a step is pydantic's own: a protocol, or that it is a name that is wrong."""
    return loc[number] == "[key]" or (number == 2 and loc[0] == "subscriptions" and loc[number] in _TAGS)


def _own_words(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "must be")


def _model_of(loc: Steps) -> type[BaseModel]:
    """The model that has no such key."""
    if len(loc) >= 3 and loc[0] == "subscriptions":
        return _TAGS[str(loc[2])]
    if loc == ("gateway", "quotas"):
        return QuotaSettings
    if len(loc) >= 3 and loc[0] == "gateway":
        return GatewayKeySettings
    if not loc:
        return Settings
    annotation = Settings.model_fields[str(loc[0])].annotation
    candidates: tuple[Any, ...] = (annotation, *getattr(annotation, "__args__", ()))
    return next(one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel))
