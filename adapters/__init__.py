"""How events leave Kafka, and how they get in: queue and HTTP subscribers, configuration, commands.

Knows schemas and pipeline; nobody imports it. Its public face is the command `batch-events`.
"""

__all__: list[str] = []
