"""Why there is no release.

ReleaseError  one sentence that says what is in the way
"""


class ReleaseError(Exception):
    """What is in the way of a release."""
