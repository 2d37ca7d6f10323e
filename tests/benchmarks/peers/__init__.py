"""Others that deliver a Kafka topic by HTTP in order per key, built from their released packages.

Each is optional: where what builds it is missing it is left out, and that is said.
"""
