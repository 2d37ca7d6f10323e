"""What the tests judge by sees what it is there for."""
