"""A Redis of plain Python that fails when it is told to: what the shipper must live with."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from service.adapters import redis_keys
from service.domain.errors import RedisAway, ShardHalted
from service.domain.events import SHARDS
from service.domain.rows import StoredRow
from service.flows.ports import Applied
from tests.model_fold import Data, Fold, Kept, number


@dataclass
class ModelCounts:
    """An `Applier`.

    `away` has it answer nothing, `refusing` take no rows, `halting` its script fail; `lost` says
    of each call whether its reply is lost after it was done. `before` runs before each
    application and may wait. `calls` counts what was asked, `most` applications at once a shard.
    """

    bounds: redis_keys.Bounds = redis_keys.BOUNDS
    away: str | None = None
    refusing: str | None = None
    halting: ShardHalted | None = None
    lost: Callable[[str], bool] = lambda _: False
    before: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)
    calls: Counter[str] = field(default_factory=Counter)
    most: int = 0
    data: Data = field(default_factory=Data)
    _running: Counter[int] = field(default_factory=Counter)

    async def marks(self, shard: int) -> Mapping[str, int]:
        """Return every journal's mark in a shard."""
        await self._called("marks")
        key = redis_keys.applied(shard)
        if not self.data.fits(key, redis_keys.HASH):
            raise ShardHalted(f"WRONGTYPE {key}", lasting=False)
        held = self.data.hashes.get(key, {})
        found = {journal: number(key, mark) for journal, mark in held.items()}
        self._answered("marks")
        return found

    async def apply(
        self, shard: int, journal: str, expected: int, rows: Sequence[StoredRow]
    ) -> Applied:
        """Apply rows whole and set the mark to the last one's number, if it is as expected."""
        self._running[shard] += 1
        self.most = max(self.most, self._running[shard])
        try:
            await self._called("apply")
            await self.before()
            if self.refusing is not None:
                raise RedisAway(self.refusing)
            if self.halting is not None:
                raise self.halting
            applied = self.fold(shard, journal, expected, rows)
            self._answered("apply")
            return applied
        finally:
            self._running[shard] -= 1

    async def forget(self, journal: str) -> None:
        """Delete a journal's marks in all shards."""
        for shard in range(SHARDS):
            await self._called("forget")
            self.data.hashes.get(redis_keys.applied(shard), {}).pop(journal, None)
            self._answered("forget")

    def fold(self, shard: int, journal: str, expected: int, rows: Sequence[StoredRow]) -> Applied:
        """Do what the script does, whatever becomes of the reply."""
        fold = Fold(self.data, self.bounds, shard)
        applied = fold.apply(journal, expected, rows)
        if applied.done:
            self.data = fold.data
        return applied

    def snapshot(self) -> Data:
        """Return all that is held, to go back to."""
        return self.data.copied([*self.data.lives, *self.data.hashes])

    def go_back(self, snapshot: Data) -> None:
        """Hold what was held then, and nothing since."""
        self.data = snapshot.copied([*snapshot.lives, *snapshot.hashes])

    def wipe(self) -> None:
        """Hold nothing any more."""
        self.data = Data()

    def mark(self, shard: int, journal: str) -> int:
        """Return a journal's mark without asking."""
        return int(self.data.hashes.get(redis_keys.applied(shard), {}).get(journal, "0"))

    def totals(self) -> Counter[str]:
        """Return the day's counts of all shards by verdict."""
        sums: Counter[str] = Counter()
        for key, fields in self.data.hashes.items():
            if ":day:" in key:
                for name, text in fields.items():
                    sums[name.rpartition("|")[2]] += int(text)
        return sums

    def kept(self) -> dict[str, Kept]:
        """Return every key that is there."""
        return self.data.kept()

    async def _called(self, what: str) -> None:
        self.calls[what] += 1
        await asyncio.sleep(0)
        if self.away is not None:
            raise RedisAway(self.away)

    def _answered(self, what: str) -> None:
        if self.lost(what):
            raise RedisAway("the reply was lost")
