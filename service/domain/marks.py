"""What a mark read from Redis means for one journal and shard; reads and mends nothing.

A mark is the number of the last row that Redis has applied, 0 for none.
"""

from enum import Enum


class Finding(Enum):
    """How the mark that was found compares with what was believed."""

    STEADY = "as believed"
    AHEAD = "a row whose reply was lost had been applied"
    BACK = "Redis came back older; what it lost is still here"
    GAP = "Redis came back older than what is retained"
    CLONED = "Redis has applied rows that this journal never held"


def compare(found: int, believed: int | None, *, pruned: int, last: int) -> Finding:
    """Return what a found mark means.

    `believed` is None while nothing is known; `pruned` is the last row that was deleted after
    Redis had covered it, `last` the journal's last row of the shard.
    """
    if found > last:
        return Finding.CLONED
    if found < pruned:
        return Finding.GAP
    if believed is None or found == believed:
        return Finding.STEADY
    return Finding.AHEAD if found > believed else Finding.BACK
