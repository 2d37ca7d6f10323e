"""The image as a container, held the way the manifests hold it: read-only root, no capability, 300 MB of memory.

Shape   invoke(image, config, args) -> Result when it has ended; Container as a context for `run`
Network the host's: the broker and the test's own servers are on loopback
"""

import subprocess
import uuid
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from tests.brokers.engine import docker

CONFIG = "/etc/batch-events/batch-events.yaml"
MEMORY = "300m"
TIMEOUT_S = 120.0
HELD = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--memory", MEMORY, "--memory-swap", MEMORY, "--network", "host"),
)


class Result(NamedTuple):
    """How a container ended."""

    status: int
    stdout: str
    stderr: str


def invoke(
    image: str, *arguments: str, stdin: bytes = b"", options: Iterable[str] = (), config: Path | None = None
) -> Result:
    """Run to the end."""
    command = ["docker", "run", "--rm", "--interactive", *HELD, *_mount(config), *options, image, *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=TIMEOUT_S, check=False)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


class Container:
    """The image's own command, until it is told to stop."""

    def __init__(self, image: str, config: Path, port: int) -> None:
        self.name = f"batch-events-test-{uuid.uuid4().hex[:8]}"
        self._port = port
        docker("run", "--detach", "--name", self.name, *HELD, *_mount(config), image, timeout_s=TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        docker("rm", "--force", self.name, timeout_s=TIMEOUT_S)

    def probe(self, path: str) -> int:
        """Ask /live or /ready; 0 while nobody listens."""
        try:
            with urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=10) as answer:
                status: int = answer.status
                return status
        except HTTPError as answer:
            with answer:
                return answer.code
        except (URLError, ConnectionError):
            return 0

    def stop(self, grace_s: int) -> int:
        """SIGTERM, then SIGKILL after the grace period, as Kubernetes does; the exit status."""
        docker("stop", "--time", str(grace_s), self.name, timeout_s=grace_s + 30.0)
        return int(docker("inspect", "--format", "{{.State.ExitCode}}", self.name))

    def log(self) -> str:
        """All that it said."""
        done = subprocess.run(
            ["docker", "logs", self.name], capture_output=True, text=True, timeout=TIMEOUT_S, check=True
        )
        return done.stdout + done.stderr


def _mount(config: Path | None) -> list[str]:
    return ["--volume", f"{config}:{CONFIG}:ro"] if config else []
