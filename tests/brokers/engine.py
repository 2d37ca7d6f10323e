"""The Docker engine, asked through its command line: that knows contexts, DOCKER_HOST and registry logins."""

import shutil
import subprocess

from tests.brokers.tiers import CannotRun

ANSWER_TIMEOUT_S = 15.0


def docker(*arguments: str, timeout_s: float = ANSWER_TIMEOUT_S) -> str:
    """Run one docker command and give its output; raise CannotRun with the last line of its complaint."""
    command = shutil.which("docker")
    if not command:
        raise CannotRun("there is no docker command")
    try:
        done = subprocess.run([command, *arguments], capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"docker {arguments[0]}: no answer within {timeout_s:.0f} s") from None
    if done.returncode != 0:
        raise CannotRun(f"docker {arguments[0]}: {last_line(done.stderr)}")
    return done.stdout.strip()


def engine_answers() -> None:
    """Return if a Docker engine answers; raise CannotRun if none does."""
    docker("version", "--format", "{{.Server.Version}}")


def last_line(output: str) -> str:
    """Give the last line of a command's output that says anything."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
