"""Long runs of random input, seeded: a failure says how to see it again."""
