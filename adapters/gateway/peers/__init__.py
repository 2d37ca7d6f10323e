"""Replica to replica: one hop to whoever owns a slot."""
