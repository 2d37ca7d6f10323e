"""`batch-events demo`: the whole path on the embedded broker, told as it happens."""

__all__: list[str] = []
