"""What the tests through the whole share: the command as a process, an HTTP sink, a queue reader, an oracle.

Nothing here uses the project's own code for what it judges: the sink and the reader are independent, and the oracle
computes the expected messages from the lines that were published.
"""
