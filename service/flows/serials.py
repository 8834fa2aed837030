"""Numbers a process's tokens; signs none and stores none."""

from collections.abc import Callable

_U32 = 1 << 32


class Serials:
    """Numbers this process's tokens: a random issuer, then a count; knows its own again."""

    def __init__(self, random_u32: Callable[[], int]) -> None:
        self._random_u32 = random_u32
        self._own: set[int] = set()
        self._issuer = self._new_issuer()
        self._next = 0

    def take(self) -> tuple[int, int]:
        """Return the next (issuer, serial); no pair comes twice."""
        if self._next == _U32:
            self._issuer, self._next = self._new_issuer(), 0
        serial = self._next
        self._next = serial + 1
        return self._issuer, serial

    def owns(self, issuer: int) -> bool:
        """Say whether this process issued under that number."""
        return issuer in self._own

    def _new_issuer(self) -> int:
        issuer = self._random_u32()
        while issuer in self._own:
            issuer = self._random_u32()
        self._own.add(issuer)
        return issuer
