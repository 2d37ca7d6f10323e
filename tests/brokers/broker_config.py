"""What the test brokers set away from Kafka's own defaults, and why. Everything else is left as it comes.

Left as it comes on purpose: message.max.bytes, the session times of both group protocols
(group.consumer.session.timeout.ms and its minimum, session.timeout.ms). What a test claims about take-over times
is then true of the brokers that people run.
"""

COMMON = {
    # the product provisions its topics: a name that it forgot must be an error here, as it is for its users
    "auto.create.topics.enable": "false",
    # the first member of a classic group waits this long for others; in a suite that is 3 s a test
    "group.initial.rebalance.delay.ms": "0",
    # a killed transaction ends at its time-out plus at most this; the default is 10 s
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    # what a test may ask for, not what members have: those of the product stay with its own 6 s
    "group.min.session.timeout.ms": "2000",
    # the default 50 partitions are made and loaded at first use, on two cores: seconds
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "1",
    # half a second after a topic's deletion its files still stand around; the default is a minute
    "log.segment.delete.delay.ms": "500",
}

QUICK_FAILOVER = {
    # Only for clusters whose brokers a test kills: a killed broker loses what it led, and may register again when
    # it is restarted, only after this time. The default of 9 s is then waited for twice; all else stays the same.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}

HEAP = "-Xms256m -Xmx512m"
"""The default is 1 GB a broker; three of them share a small machine with the tests."""

JVM = "-XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError"
"""G1's threads help nobody on two cores; a broker that is out of memory must die, not linger."""

CLUSTER_ID = "batchEventsTestBrokers"
"""16 bytes as 22 characters of URL-safe Base64, as Kafka wants it. Any will do."""


def broker_config(brokers: int) -> dict[str, str]:
    """Give the settings for a cluster of this many brokers, beyond those that say which one is where."""
    copies = min(brokers, 3)
    replicas = {
        "default.replication.factor": copies,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "share.coordinator.state.topic.replication.factor": copies,
        # the default 2 of 3; a lone broker can only promise itself
        "transaction.state.log.min.isr": min(copies, 2),
        "share.coordinator.state.topic.min.isr": min(copies, 2),
    }
    return COMMON | {name: str(value) for name, value in replicas.items()}
