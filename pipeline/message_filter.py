"""Whether a subscription wants a message, by its tags or its routing key: CMQ's two filters.

Shape   matches(filter_tags, binding_keys, tags, routing_key) -> bool
Tags    no filter tag lets everything through; with filter tags a message needs one of them, so an untagged one gets
        nowhere
Keys    split at dots: `*` stands for one word that is not empty, `#` for any number of words, none included; as
        RabbitMQ does it. No binding key lets everything through; of several one must match
Source  cmq.md 7
"""

from collections.abc import Sequence


def matches(filter_tags: Sequence[str], binding_keys: Sequence[str], tags: Sequence[str], routing_key: str) -> bool:
    """Whether a message passes both filters."""
    if filter_tags and not set(filter_tags).intersection(tags):
        return False
    if not binding_keys:
        return True
    words = routing_key.split(".")
    return any(_binds(key.split("."), words) for key in binding_keys)


def _binds(pattern: list[str], words: list[str]) -> bool:
    """Whether the words are of this pattern; `ends` are the numbers of words that its parts so far can stand for."""
    ends = {0}
    for part in pattern:
        if part == "#":
            ends = set(range(min(ends), len(words) + 1))
        else:
            ends = {
                end + 1 for end in ends if end < len(words) and (words[end] == part or (part == "*" and words[end]))
            }
        if not ends:
            return False
    return len(words) in ends
