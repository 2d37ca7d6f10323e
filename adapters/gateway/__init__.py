"""The CMQ API over Kafka: unmodified CMQ clients call it, any replica answers any request.

Four things in four places: protocol (what a request is), signature (who sent it), actions (what is asked for),
and the slots (where the messages' states are: leases, settled offsets, delays).
"""
