"""The shipped doubles, where no contract test speaks of them."""
