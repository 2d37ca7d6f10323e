"""Kafka's own logs of queues and topics: bodies read, messages sent, ends and ids asked for."""
