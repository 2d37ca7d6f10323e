"""The HTTP client against raw servers on a loopback port: what it does with every way an endpoint can behave."""
