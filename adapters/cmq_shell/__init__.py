"""CMQ's management from a shell: the API's own calls to a running gateway, and their replies for people.

client.py calls; verb.py is what every verb is; queues.py, topics.py and subscriptions.py have the verbs of each kind;
tables.py lays out what they say. `batch-events cmq` (commands/cmq.py) puts them on the command line.
"""
