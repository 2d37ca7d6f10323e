"""The configuration: YAML file, environment, references; everything that is wrong with it at once.

Shape   load_settings(path, environ) -> Settings; load_shown(path, environ) -> the same, and the tree as it was written
File    YAML. `${NAME}` is replaced by the environment's NAME, `${file:/path}` by a file's content; the environment may
        override any value (settings_environment.py)
Secrets only by reference, or from the environment: one that stands in the file is a fault. No fault shows a secret
Errors  SettingsError with a line for each fault: path, value, reason, what is allowed
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from adapters.settings import Settings
from adapters.settings_age import check_ages
from adapters.settings_environment import OVERRIDE_PREFIX, is_reference, override, resolved
from adapters.settings_errors import add_validation_errors
from adapters.settings_faults import MASK, Faults, SettingsError, Steps, is_secret
from adapters.settings_identity import check_identities
from adapters.settings_kafka import check_kafka
from adapters.settings_names import check_names
from adapters.settings_yaml import DuplicateKey, read_tree

DEFAULT_PATH = "batch-events.yaml"
CONFIG_VARIABLE = "BATCH_EVENTS_CONFIG"


def load_settings(path: str | None, environ: Mapping[str, str]) -> Settings:
    """Read the configuration; see load_shown."""
    return load_shown(path, environ)[0]


def load_shown(path: str | None, environ: Mapping[str, str]) -> tuple[Settings, dict[str, Any]]:
    """Read the configuration, and give with it what may be shown of it: references as references.

    Args:
        path: of the file; None for BATCH_EVENTS_CONFIG or the default name, which may be absent if the environment
            says enough.
        environ: the environment.

    Raises:
        SettingsError: with every fault.
    """
    shown, duplicates = _read(path, environ)
    faults = Faults(shown)
    for steps, line in duplicates:
        faults.add(steps, f"is there twice, again in line {line}", value=False)
    for steps in _literal_secrets(shown):
        faults.add(
            steps, f"{MASK}: stands in the file; allowed: a reference, ${{NAME}} or ${{file:/path}}", value=False
        )
    tree = resolved(shown, environ, faults, as_it_is=override(shown, environ, faults))
    settings = _validated(tree, faults)
    kafka = tree.get("kafka", {})
    if isinstance(kafka, dict):
        check_kafka(kafka, faults)
    check_names(tree, faults)
    check_identities(tree, faults)
    check_ages(tree, faults)
    if settings is None or faults.lines:
        raise SettingsError(faults.lines)
    return settings, shown


def _read(path: str | None, environ: Mapping[str, str]) -> tuple[dict[str, Any], list[DuplicateKey]]:
    named = path or environ.get(CONFIG_VARIABLE)
    file = Path(named or DEFAULT_PATH)
    if file.exists():
        return read_tree(file)
    if named is None and any(name.startswith(OVERRIDE_PREFIX) for name in environ):
        return {}, []
    raise SettingsError([f"{file}: no such file; name one with --config or {CONFIG_VARIABLE}"])


def _literal_secrets(tree: object, steps: Steps = ()) -> list[Steps]:
    if isinstance(tree, dict):
        return [leaf for name, value in tree.items() for leaf in _literal_secrets(value, (*steps, name))]
    if isinstance(tree, list):
        return [leaf for index, value in enumerate(tree) for leaf in _literal_secrets(value, (*steps, index))]
    return [steps] if is_secret(steps) and not is_reference(tree) else []


def _validated(tree: dict[str, Any], faults: Faults) -> Settings | None:
    try:
        return Settings.model_validate({"kafka": {}} | tree)
    except ValidationError as error:
        add_validation_errors(error, tree, faults)
        return None
