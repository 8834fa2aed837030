"""Which arm a page view is in, by article and hour and nothing about its reader; draws nothing.

The same salt, article and hour always give the same arm, on every replica. What such a division
can show: effects of page views on what happens in them. What it cannot: effects that outlive the
hour or follow a reader to another article.
"""

from hashlib import blake2b

from service.domain.sites import Experiment
from service.domain.tokens import Arm

LETTERS = ("a", "b", "c", "d", "e", "f")
_NONE = Arm.NONE
_BY_LETTER = dict(zip(LETTERS, (Arm.A, Arm.B, Arm.C, Arm.D, Arm.E, Arm.F), strict=True))


def arm_of(experiment: Experiment, article: bytes, hour: int) -> Arm:
    """Return the arm of an article (its 8-byte id) in an hour since the epoch."""
    if not experiment.holdout and not experiment.arms:
        return _NONE
    place = _place(experiment.salt, article, hour)
    if place < experiment.holdout:
        return Arm.HOLD
    place -= experiment.holdout
    for letter, share in experiment.arms.items():
        if place < share:
            return _BY_LETTER[letter]
        place -= share
    return Arm.NONE


def _place(salt: str, article: bytes, hour: int) -> float:
    """Return a number in [0, 1) that only these three determine."""
    digest = blake2b(article + hour.to_bytes(8, "big"), key=salt.encode()[:64], digest_size=8)
    return int.from_bytes(digest.digest(), "big") / (1 << 64)
