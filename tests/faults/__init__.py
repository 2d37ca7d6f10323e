"""The fault suite: one case a row, one oracle. README.md, "What it survives", is the table; a test compares them."""
