"""The script of cmq_script.py in a process of its own, with one of the SDKs.

Shape   play(sdk, endpoint, secret_id, secret_key, unique, directory) -> the names of the steps
SDKs    `abmn_qcloud_cmq_sdk_py3` and `qcloud-cmq-sdk-py3` are both the package `cmq`: one is installed, the other lies
        in a folder of its own. They write log files into the working directory, or beside the first entry of sys.path:
        both are the directory that is given
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.harness.cmq_script import run

ROOT = Path(__file__).parents[2]
LIMIT_S = 120
SECRET_VARIABLE = "CMQ_SCRIPT_SECRET_KEY"  # noqa: S105  where the key is, not the key


def play(sdk: Path | None, endpoint: str, secret_id: str, secret_key: str, unique: str, directory: Path) -> list[str]:
    """Run the script with the SDK in that folder, or the installed one.

    Raises:
        AssertionError: a step failed; its message is what the process said.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.harness.sdk_process", endpoint, secret_id, unique],
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
    steps: list[str] = json.loads(done.stdout)
    return steps


def main() -> None:
    """ENDPOINT SECRET_ID UNIQUE, and the secret key in the environment. Prints the steps as JSON."""
    endpoint, secret_id, unique = sys.argv[1:]
    sys.stdout.write(json.dumps(run(endpoint, secret_id, os.environ[SECRET_VARIABLE], unique)))


if __name__ == "__main__":
    main()
