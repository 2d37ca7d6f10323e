"""The states of queues' messages: leases, settled offsets, delays; and the owner of a slot, who answers by them."""
