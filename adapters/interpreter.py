"""Python's own clocks, set for a process that delivers.

Collector  what a start leaves lives as long as the process: frozen, it is not looked through again. Events in flight
           come and go by the thousand and hold no cycles: the collector may look for those less often. Without this
           it takes a ninth of the CPU of an event
Switch     a consumer thread turns batches of records into requests without pause; the event loop would wait 5 ms for
           its turn each time it has waited for a socket
"""

import gc
import sys

YOUNG = 20_000
"""Containers made and not given back, before the collector looks at the youngest."""

SWITCH_S = 0.001


def settle() -> None:
    """Once, when everything is imported and nothing is delivered."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
    sys.setswitchinterval(SWITCH_S)
