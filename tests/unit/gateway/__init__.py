"""The gateway: protocol, signature, keys, and the server, each by itself."""
