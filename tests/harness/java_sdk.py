"""CMQ's Java SDK in a process of its own: the script cmq_java/steps.groovy, as the JRE alone can run it.

Shape   JavaSdk.found().play(endpoint, secret_id, secret_key, unique, directory) -> the names of the script's steps
Errors  CannotRun: no Java, or no jars. AssertionError: a step failed; the message is what the process said
Source  `com.qcloud:cmq-http-client` and `org.apache.groovy:groovy` as cmq_java/pom.xml pins them
"""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple, Self

from tests.brokers.jars import jars_of
from tests.brokers.java import find_java
from tests.harness.sdk_process import LIMIT_S, SECRET_VARIABLE

FOLDER = Path(__file__).parent / "cmq_java"
OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class JavaSdk(NamedTuple):
    """What it takes."""

    java: Path
    jars: Path

    @classmethod
    def found(cls) -> Self:
        """Find the Java, and fetch the jars if need be."""
        return cls(
            find_java(), jars_of(FOLDER / "pom.xml", "cmq-java/jars", "the jars of CMQ's Java SDK", lambda _: None)
        )

    def play(self, endpoint: str, secret_id: str, secret_key: str, unique: str, directory: Path) -> list[str]:
        """Run the script."""
        machine = [str(self.java), *OPTIONS, "-cp", f"{self.jars}/*", "groovy.ui.GroovyMain"]
        done = subprocess.run(
            [*machine, str(FOLDER / "steps.groovy"), endpoint, secret_id, unique],
            cwd=directory,
            env={**os.environ, SECRET_VARIABLE: secret_key},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.split()
