"""Decisions, codecs and doubles, without a broker. The whole tier takes seconds and no test sleeps."""
