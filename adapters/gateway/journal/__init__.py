"""The journal of a slot on Kafka: claims, entries, snapshots; who owns which slot."""
