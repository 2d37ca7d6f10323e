"""The HTTP subscriber: a small client for CMQ's push, on asyncio protocols with llhttp as its parser."""

__all__: list[str] = []
