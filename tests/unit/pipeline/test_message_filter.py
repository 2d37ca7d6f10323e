"""The two filters of a subscription: tags, and routing keys as RabbitMQ matches them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.message_filter import matches

WORDS = st.sampled_from(["a", "b", "ab", ""])
KEYS = st.lists(WORDS, min_size=1, max_size=6).map(".".join)
PATTERNS = st.lists(st.one_of(WORDS, st.sampled_from(["*", "#"])), min_size=1, max_size=6).map(".".join)
TAGS = st.lists(st.sampled_from("abcde"), max_size=5)


def binds_naively(pattern: list[str], words: list[str]) -> bool:
    """By trying everything."""
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(binds_naively(pattern[1:], words[taken:]) for taken in range(len(words) + 1))
    if not words or not binds_naively(pattern[1:], words[1:]):
        return False
    return bool(words[0]) if pattern[0] == "*" else pattern[0] == words[0]


@given(PATTERNS, KEYS)
def test_a_binding_key_matches_what_the_naive_model_matches(pattern: str, key: str) -> None:
    assert matches((), (pattern,), (), key) is binds_naively(pattern.split("."), key.split("."))


@given(st.lists(PATTERNS, min_size=1, max_size=5), KEYS)
def test_of_several_binding_keys_one_is_enough(patterns: list[str], key: str) -> None:
    assert matches((), patterns, (), key) is any(matches((), (one,), (), key) for one in patterns)


@given(TAGS, TAGS)
def test_with_filter_tags_a_shared_tag_is_needed_and_without_none(wanted: list[str], tags: list[str]) -> None:
    shared = any(one in tags for one in wanted)
    assert matches(wanted, (), tags, "") is (shared or not wanted)


@pytest.mark.parametrize(
    ("pattern", "key", "matched"),
    [
        ("1.*.0", "1.2.0", True),
        ("1.*.0", "1.0", False),
        ("1.*.0", "1..0", False),
        ("1.#.0", "1.0", True),
        ("1.#.0", "1.2.3.0", True),
        ("#", "", True),
        ("*", "", False),
        ("#.end", "end", True),
        ("lazy.#", "lazy", True),
        ("lazy.#", "lazybones", False),
        ("a+b", "aab", False),
    ],
)
def test_the_rules_of_the_guide(pattern: str, key: str, *, matched: bool) -> None:
    assert matches((), (pattern,), (), key) is matched


def test_many_wildcards_cost_no_more_than_words_times_parts() -> None:
    pattern, key = ".".join(["#"] * 16), ".".join(["a"] * 16)
    assert matches((), (pattern,), (), key)
    assert not matches((), (f"{pattern}.b",), (), key)
