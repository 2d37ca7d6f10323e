"""A command that reads, while it runs, what a test writes to it."""

import subprocess
from typing import Self

from tests.harness.command import COMMAND, TIMEOUT_S, Result, environment


class Piped:
    """`batch-events` with its standard input in the test's hands; a context."""

    def __init__(self, *args: str) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([COMMAND, *args], stdin=pipe, stdout=pipe, stderr=pipe, env=environment(None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def write(self, text: bytes) -> None:
        """Write, at once."""
        assert self._process.stdin is not None
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def end(self) -> Result:
        """No more input; how it ended."""
        out, err = self._process.communicate(timeout=TIMEOUT_S)
        return Result(self._process.returncode, out.decode(), err.decode())
