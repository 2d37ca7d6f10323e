"""The command line within the test's own process."""

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adapters.cli import main
from tests.harness.command import Result


@contextmanager
def _logging_kept() -> Iterator[None]:
    """A command sends all logging its own way; the test session's way comes back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *args: str, stdin: bytes = b""
) -> Result:
    """Run `batch-events` with these arguments."""
    monkeypatch.setattr(sys, "argv", ["batch-events", *args])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
    capsys.readouterr()
    with _logging_kept(), pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return Result(int(ended.value.code or 0), out, err)
