"""What a Kafka topic's own settings put at risk, where they let everything work.

Shape   replica_risk(config), age_risks(config, max_age_s) -> sentences
Source  delivery.md: acks=all waits for the replicas that are in sync, and with `min.insync.replicas` 1 that may be the
        leader alone. An event that grows too old goes to the dead letters; one that the log loses before goes nowhere
"""

from collections.abc import Mapping


def replica_risk(config: Mapping[str, str]) -> str | None:
    """Whether an acknowledged record may be in one place only."""
    if config.get("min.insync.replicas") != "1":
        return None
    return "min.insync.replicas is 1: an acknowledged record can be lost with one broker; 2 of 3 replicas keep it"


def age_risks(config: Mapping[str, str], max_age_s: float) -> list[str]:
    """Why events may fall off the log before they are older than max_age_s."""
    found = []
    policy, kept_ms, kept_bytes = (
        config.get(name, "") for name in ("cleanup.policy", "retention.ms", "retention.bytes")
    )
    if policy != "delete":
        found.append(
            f"cleanup.policy is {policy}: a later event of a key takes the earlier ones off the log; delete does not"
        )
    if kept_ms not in {"-1", ""} and int(kept_ms) <= max_age_s * 1000:
        found.append(f"retention.ms is {kept_ms}: events fall off the log before max_age_s, {max_age_s:g} s, is over")
    if kept_bytes not in {"-1", ""}:
        found.append(f"retention.bytes is {kept_bytes}: events fall off the log unseen when it is full; -1 keeps them")
    return found
