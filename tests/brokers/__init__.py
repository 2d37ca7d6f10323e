"""The brokers that tests run on: one ladder of tiers, said out loud.

`python -m tests.brokers [COMMAND …]` chooses a tier; `pytest_plugin` hands its broker to the tests.
What the ladder itself needs is the standard library alone: it runs before there is a virtual environment.
"""
