"""Configurations for tests: a small one that is right, and what `load_settings` says about others."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.settings import Settings
from adapters.settings_faults import SettingsError
from adapters.settings_file import load_settings

Tree = dict[str, Any]

QUEUE: Tree = {"topic": "job-message", "name": "ops-queue", "protocol": "queue", "endpoint": "ops"}
HTTP: Tree = {"topic": "job-message", "name": "billing", "protocol": "http", "endpoint": "https://billing.example.com/"}


def tree(*subscriptions: Tree, **more: Any) -> Tree:
    """A configuration with these subscriptions."""
    return {"kafka": {"bootstrap.servers": "localhost:9092"}, "subscriptions": list(subscriptions), **more}


def load(folder: Path, config: Tree | str, environ: Mapping[str, str] | None = None) -> Settings:
    """What a file of this content amounts to."""
    file = folder / "batch-events.yaml"
    file.write_text(config if isinstance(config, str) else yaml.safe_dump(config, sort_keys=False))
    return load_settings(str(file), environ or {})


def faults_of(folder: Path, config: Tree | str, environ: Mapping[str, str] | None = None) -> list[str]:
    """Everything that is said to be wrong with it."""
    with pytest.raises(SettingsError) as caught:
        load(folder, config, environ)
    return caught.value.faults
