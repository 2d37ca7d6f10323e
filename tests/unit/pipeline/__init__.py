"""The delivery's decisions, and its assembly over the doubles of adapters/memory."""
