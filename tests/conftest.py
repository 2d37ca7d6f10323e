"""Every test may use the brokers of the ladder: `broker`, `native_cluster`, `unique` and two markers."""

pytest_plugins = ["tests.brokers.pytest_plugin"]
