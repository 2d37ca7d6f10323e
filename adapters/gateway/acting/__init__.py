"""What an action is, and what actions share: parameters, ranges, names."""
