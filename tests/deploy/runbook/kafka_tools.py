"""Kafka's own scripts, as far as the runbook calls them: the same classes, from the jars that carry them.

Errors  CannotRun: no Java, or no jars
"""

from pathlib import Path

from tests.brokers.jars import POM, ensure_jars, kafka_version
from tests.brokers.java import find_java

TOOLS_POM = Path(__file__).with_name("pom.xml")

CLASSES = {
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
    "kafka-consumer-groups.sh": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-features.sh": "org.apache.kafka.tools.FeatureCommand",
    "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
}
OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def write_scripts(folder: Path) -> None:
    """One for each, for PATH."""
    assert kafka_version(TOOLS_POM) == kafka_version(POM)
    java = find_java()
    jars = ":".join(f"{ensure_jars(lambda _: None, pom)}/*" for pom in (POM, TOOLS_POM))
    folder.mkdir()
    for name, main in CLASSES.items():
        script = folder / name
        script.write_text(f"#!/bin/sh\nexec '{java}' {OPTIONS} -cp '{jars}' {main} \"$@\"\n")
        script.chmod(0o755)
