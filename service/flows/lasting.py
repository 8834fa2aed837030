"""Making what stays: the garbage collector leaves it alone, while it is made and ever after.

Looking through tens of thousands of lasting objects for garbage, again and again, holds requests
up. What is replaced later goes all the same, as nothing in it refers back to itself.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting() -> Iterator[None]:
    """Take all that there is at the end of the block for lasting."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
