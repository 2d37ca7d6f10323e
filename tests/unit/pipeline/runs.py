"""The map of a commit note, the plain way: from offsets one by one."""

from collections.abc import Iterable


def runs_of(settled: Iterable[int], offset: int) -> tuple[int, ...]:
    """The runs of a set of settled offsets, all beyond the committed one; `settled` must be sorted."""
    runs: list[int] = []
    end = offset  # of what the runs cover so far
    for one in settled:
        if runs and one == end:
            runs[-1] += 1
        else:
            runs += [one - end, 1]
        end = one + 1
    return tuple(runs)
