"""One of the SDKs in a process of its own: the script of cmq_script.py, or a function of cmq_consumer.py.

Shape   play(sdk, endpoint, secret_id, secret_key, unique, directory) -> the names of the script's steps;
        call(function, sdk, (endpoint, secret_id, secret_key), directory, …) -> what it gives, as JSON has it
SDKs    `abmn_qcloud_cmq_sdk_py3` and `qcloud-cmq-sdk-py3` are both the package `cmq`: one is installed, the other lies
        in a folder of its own. They write log files into the working directory, or beside the first entry of sys.path:
        both are the directory that is given
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.harness.cmq_consumer import conduct, drain, fill, subscribe_http, unsubscribe
from tests.harness.cmq_script import run

ROOT = Path(__file__).parents[2]
LIMIT_S = 120
SECRET_VARIABLE = "CMQ_SCRIPT_SECRET_KEY"  # noqa: S105  where the key is, not the key

Access = tuple[str, str, str]
"""Endpoint, SecretId and SecretKey."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    one.__name__: one for one in (run, drain, conduct, fill, subscribe_http, unsubscribe)
}


def play(sdk: Path | None, endpoint: str, secret_id: str, secret_key: str, unique: str, directory: Path) -> list[str]:
    """Run the script with the SDK in that folder, or the installed one.

    Raises:
        AssertionError: a step failed; its message is what the process said.
    """
    steps: list[str] = call(run, sdk, (endpoint, secret_id, secret_key), directory, unique)
    return steps


def call(function: Callable[..., Any], sdk: Path | None, access: Access, directory: Path, *args: object) -> Any:
    """Run one of FUNCTIONS with the SDK in that folder, or the installed one.

    Raises:
        AssertionError: it failed; the message is what the process said.
    """
    endpoint, secret_id, secret_key = access
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.harness.sdk_process", function.__name__, endpoint, secret_id],
        input=json.dumps(args),
        cwd=directory,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(one) for one in (directory, sdk, ROOT) if one),
            SECRET_VARIABLE: secret_key,
        },
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def main() -> None:
    """FUNCTION ENDPOINT SECRET_ID; the secret key in the environment, further arguments as JSON on standard input."""
    function, endpoint, secret_id = sys.argv[1:]
    args = json.load(sys.stdin)
    sys.stdout.write(json.dumps(FUNCTIONS[function](endpoint, secret_id, os.environ[SECRET_VARIABLE], *args)))


if __name__ == "__main__":
    main()
