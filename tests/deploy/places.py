"""Where things lie, and what the project says of itself."""

import tomllib
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
DEPLOY = TOP / "deploy"
BASE = DEPLOY / "base"
DOCKERFILE = DEPLOY / "Dockerfile"


def pyproject() -> dict[str, Any]:
    """The project's own description."""
    return tomllib.loads((TOP / "pyproject.toml").read_text())
