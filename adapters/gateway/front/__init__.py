"""A request on its way: bytes, parameters, who signed it, what it may do; and the reply."""
