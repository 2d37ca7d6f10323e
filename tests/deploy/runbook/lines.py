"""Runs a runbook's lines, one after the other.

Shape   Lines(scene, kubectl, scripts).run(line) -> what it printed
Runs    batch-events, Kafka's scripts, curl and openssl as they stand; of kubectl's lines what they mean for the scene:
        `exec … -- COMMAND` runs the command, `logs` is the process's log, `scale`, `rollout` and `apply` stop and start
        it. The rest of a kubectl line is checked (kubectl.py), no more
Errors  AssertionError: a line that fails, or that nobody here knows
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.deploy.places import TOP
from tests.deploy.runbook.blocks import pipeline
from tests.deploy.runbook.kafka_tools import CLASSES
from tests.deploy.runbook.kubectl import Kubectl, split_at
from tests.deploy.runbook.scene import REFUSED, SECRET, Scene

AS_THEY_STAND = {"batch-events", "curl", "openssl", *CLASSES}
TIMEOUT_S = 120.0
PROBED = "localhost:8080"


class Lines:
    """Those of one section."""

    def __init__(self, scene: Scene, kubectl: Kubectl, scripts: Path, on_apply: Callable[[Scene], None]) -> None:
        self._scene = scene
        self._kubectl = kubectl
        self._on_apply = on_apply
        self._environ = self._variables(scripts)

    def run(self, line: str) -> str:
        """One."""
        first, *rest = pipeline(line)
        program = shlex.split(first)[0]
        if program in AS_THEY_STAND:
            return self._shell(line)
        assert program == "kubectl", f"nobody here knows how to run this: {line}"
        first = self._with_variables(first)
        self._kubectl.check(first)
        printed = self._meant(shlex.split(first)[1:])
        for part in rest:
            printed = self._shell(part, printed)
        return printed

    def _meant(self, words: list[str]) -> str:
        """What a kubectl line means here."""
        own, inner = split_at(words, "--")
        scene, verbs = self._scene, [word for word in own if not word.startswith("-") and word != "batch-events"]
        match verbs:
            case ["exec", where, *_]:
                assert scene.runs or where.startswith("pod/"), "there is no pod of the deployment to run it in"
                return self.run(shlex.join(inner))
            case ["logs", *_]:
                return scene.lines
            case ["scale", *_]:
                (replicas,) = (int(word.partition("=")[2]) for word in own if word.startswith("--replicas="))
                (scene.start if replicas else scene.stop)()
            case ["rollout", "restart" | "undo", *_]:
                scene.restart()
            case ["rollout", "status", *_]:
                scene.ready()
            case ["apply", *_] if "-k" in own:
                self._on_apply(scene)
                scene.write()
                scene.apply_topics()
                scene.restart()
            case ["wait", *_] if "--for=delete" in own:
                assert not scene.runs
            case [
                ("apply" | "create" | "delete" | "describe" | "diff" | "get" | "patch" | "port-forward" | "wait"),
                *_,
            ]:
                pass
            case _:
                raise AssertionError(f"nobody here knows what this means: kubectl {shlex.join(own)}")
        return ""

    def _shell(self, line: str, stdin: str = "") -> str:
        if PROBED in line:
            line = line.replace(PROBED, self._scene.probed)
        done = subprocess.run(
            ["bash", "-uo", "pipefail", "-c", line],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            cwd=self._scene.folder,
            env=self._environ,
        )
        assert done.returncode == 0, f"{line}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def _variables(self, scripts: Path) -> dict[str, str]:
        path = os.pathsep.join([str(scripts), str(Path(sys.executable).parent), os.environ["PATH"]])
        return self._scene.environ | {
            "PATH": path,
            "HOME": str(self._scene.folder),
            "BATCH_EVENTS_CONFIG": str(self._scene.file),
            "BOOTSTRAP": self._scene.servers,
            "SINCE": self._scene.since,
            "JOB": min(REFUSED),
            "NEW_PASSWORD": "a-new-password",
            "NEW_SECRET": SECRET,
        }

    def _with_variables(self, command: str) -> str:
        def value(found: re.Match[str]) -> str:
            assert found[1] in self._environ, f"${found[1]} is not one of the runbook's variables"
            return self._environ[found[1]]

        return re.sub(r"\$(\w+)", value, command)


def link_deploy(folder: Path) -> None:
    """The paths of the runbook are those of the repository."""
    (folder / "deploy").symlink_to(TOP / "deploy")
    (folder / "admin.properties").write_text("security.protocol=PLAINTEXT\n")
