"""What an event is, on every wire."""
