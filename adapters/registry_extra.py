"""The schema registry of a configuration, where it names one. Its client comes with an extra that may be missing."""

from typing import TYPE_CHECKING

from adapters.settings import Settings
from adapters.settings_faults import SettingsError

if TYPE_CHECKING:
    from adapters.registry import RegistryIds


def registry_of(settings: Settings) -> "RegistryIds | None":
    """The registry, or None.

    Raises:
        SettingsError: one is configured, and its client is not installed.
    """
    if settings.schema_registry is None:
        return None
    try:
        from adapters.registry import RegistryIds  # noqa: PLC0415  comes with an extra
    except ImportError as error:
        reason = f"needs the extra `registry` of batch-events, which is not installed ({error.name} is missing)"
        raise SettingsError([f"schema_registry: {reason}"]) from error
    return RegistryIds(settings.schema_registry)
