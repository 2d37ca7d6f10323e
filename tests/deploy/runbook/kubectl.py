"""kubectl lines without a cluster: kubectl itself takes their flags, and what they name is in the manifests.

Shape   check(command, manifests) -> None
Flags   kubectl is run against an address where nobody listens: it complains about a flag that it does not know before
        it finds that nobody does
Names   kinds, names, containers, labels, keys of secrets: those of the manifests, which kustomize has built
Errors  AssertionError
"""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.deploy.manifests import Manifest, of_kind, pod_of, read_manifests, the_only
from tests.deploy.places import DEPLOY, TOP

NOBODY = "http://127.0.0.1:1"
KINDS = {
    "configmap": "ConfigMap",
    "deploy": "Deployment",
    "deployment": "Deployment",
    "job": "Job",
    "pod": "Pod",
    "pods": "Pod",
    "secret": "Secret",
}
OPERATOR_POD = DEPLOY / "runbook" / "operator-pod.yaml"
OF_THE_OPERATOR = {("ConfigMap", "batch-events-operator")}
"""Made by a command of the runbook."""

WITH_A_VALUE = {"-n", "-l", "-k", "-f", "-o", "-c", "-p", "--patch"}


class Kubectl:
    """Checks lines against the manifests of one overlay."""

    def __init__(self, manifests: list[Manifest], cwd: Path) -> None:
        self._manifests = [*manifests, *read_manifests(OPERATOR_POD.read_text())]
        self._cwd = cwd
        self._namespace = the_only(manifests, "Namespace")["metadata"]["name"]
        self._labels = pod_of(the_only(manifests, "Deployment")).labels

    def check(self, command: str) -> None:
        """One line, its variables replaced."""
        words = shlex.split(command)[1:]
        own, _ = split_at(words, "--")
        options, named = _parted(own)
        self._check_options(named[0], options)
        self._check_named(named)
        taken_by_kubectl(words, self._cwd)

    def _check_options(self, verb: str, options: list[tuple[str, str]]) -> None:
        given = dict(options)
        assert ("-k" in given) != (given.get("-n") == self._namespace), f"{verb}: no namespace, or another one"
        for option, value in options:
            match option:
                case "-k":
                    assert (TOP / value / "kustomization.yaml").is_file(), value
                case "-f" if value != "-":
                    assert (TOP / value).is_file(), value
                case "-l":
                    wanted = dict(pair.split("=") for pair in value.split(","))
                    assert wanted.items() <= self._labels.items(), value
                case "-c":
                    assert value == pod_of(the_only(self._manifests[:-1], "Deployment")).container["name"]
                case "-p" | "--patch":
                    self._check_patch(json.loads(value))
                case _:
                    pass

    def _check_patch(self, patch: dict[str, Any]) -> None:
        assert set(patch) == {"stringData"}
        known = set(pod_of(the_only(self._manifests[:-1], "Deployment")).references)
        assert {name.removesuffix("_NEW") for name in patch["stringData"]} <= known

    def _check_named(self, named: list[str]) -> None:
        for kind, name in _objects(named):
            assert (kind, name) in set(self._there()), f"there is no {kind} {name}"

    def _there(self) -> Iterator[tuple[str, str]]:
        yield from OF_THE_OPERATOR
        for one in self._manifests:
            yield one["kind"], one["metadata"]["name"]
        for pod in of_kind(self._manifests, "Deployment"):
            for entry in pod["spec"]["template"]["spec"]["containers"][0]["env"]:
                if "valueFrom" in entry:
                    yield "Secret", entry["valueFrom"]["secretKeyRef"]["name"]


def taken_by_kubectl(words: Sequence[str], cwd: Path) -> None:
    """Whether kubectl understands the line: it gets as far as asking a server."""
    environ = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"} | {"HOME": str(cwd)}
    command = ["kubectl", f"--server={NOBODY}", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd, env=environ)
    asked = "refused" in done.stderr or done.returncode == 0
    assert asked, f"kubectl {shlex.join(words)}: {done.stderr}"


def split_at(words: list[str], mark: str) -> tuple[list[str], list[str]]:
    """What stands before and behind a word."""
    if mark not in words:
        return words, []
    at = words.index(mark)
    return words[:at], words[at + 1 :]


def _parted(words: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Options with their values, and the other words."""
    options, named, waiting = [], [], ""
    for word in words:
        if waiting:
            options.append((waiting, word))
            waiting = ""
        elif word in WITH_A_VALUE:
            waiting = word
        elif word.startswith("-"):
            name, _, value = word.partition("=")
            options.append((name, value))
        else:
            named.append(word)
    return options, named


def _objects(named: list[str]) -> Iterator[tuple[str, str]]:
    """Of `rollout restart deployment/x` or `get secret x`: kind and name."""
    for word, following in zip(named, [*named[1:], ""], strict=True):
        kind, slash, name = word.partition("/")
        if slash and kind in KINDS:
            yield KINDS[kind], name
        elif word in KINDS and following and named[0] != "create":
            yield KINDS[word], following
