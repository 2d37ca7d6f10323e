"""Queues, topics and subscriptions that were made at run time: the view of them, and their one writer."""
