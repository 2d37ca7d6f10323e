"""`batch-events topics`: the Kafka topics that the configuration needs."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from adapters.provision import TopicAdmin, needed
from adapters.registry_extra import registry_of
from adapters.settings_file import load_settings
from adapters.topic_risks import replica_risk
from pipeline.cluster import Cluster
from pipeline.stop import ExitStatus
from pipeline.topics import ActualTopic, TopicSpec, differences

if TYPE_CHECKING:
    from adapters.registry import RegistryIds

NAME = "topics"
HELP = "Show the Kafka topics (and registry schemas) that are needed, what is missing or different; --apply creates."
EXAMPLES = """\
  batch-events topics
  batch-events topics --apply
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """--apply."""
    parser.add_argument(
        "--apply",
        action="store_true",
        help="create the missing topics, register the schemas; existing ones are never changed",
    )


def run(args: argparse.Namespace) -> ExitStatus:
    """One line a topic, and one for each difference; what the topics put at risk, on stderr."""
    settings = load_settings(args.config, os.environ)
    cluster = Cluster(settings.kafka)
    admin = TopicAdmin(cluster)
    specs = needed(settings)
    actual = admin.actual([spec.name for spec in specs])
    missing = [spec for spec in specs if spec.name not in actual]
    if (refused := cluster.topic_refused(spec.name for spec in missing)) is not None:
        raise refused
    created = admin.create(missing) if args.apply else {}
    for spec in specs:
        if spec.name in actual:
            found = differences(spec, actual[spec.name])
            print(f"{spec.name}: {'different' if found else 'ok'}")
            for difference in found:
                print(f"  {difference}")
        elif spec.name not in created:
            print(f"{spec.name}: missing")
        elif (reason := created[spec.name]) is None:
            print(f"{spec.name}: created")
        else:
            print(f"{spec.name}: not created: {reason}")
    _tell_risk(specs, actual)
    if (registry := registry_of(settings)) is not None:
        _tell_schemas(registry, apply=args.apply)
    return ExitStatus.USAGE if any(created.values()) else ExitStatus.FINE


def _tell_schemas(registry: "RegistryIds", *, apply: bool) -> None:
    """One line a schema that writes; --apply is the step that registers where auto_register is false."""
    states = list(registry.states())
    ids = registry.register() if apply else {}
    for state in states:
        if state.schema_id is not None:
            print(f"schema {state.subject}: ok")
        elif state.subject in ids:
            print(f"schema {state.subject}: registered")
        else:
            print(f"schema {state.subject}: missing")


def _tell_risk(specs: list[TopicSpec], actual: dict[str, ActualTopic]) -> None:
    configs = {spec.name: actual[spec.name].config if spec.name in actual else spec.config for spec in specs}
    risks = {name: risk for name, config in configs.items() if (risk := replica_risk(config)) is not None}
    if risks:
        print(f"{len(risks)} of {len(specs)} topics: {next(iter(risks.values()))}", file=sys.stderr)
