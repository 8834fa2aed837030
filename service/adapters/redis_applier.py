"""Applies rows to Redis by one script and reads its marks; repeats nothing and keeps no rows.

After any error or unexpected answer its connections are dropped: a late reply reaches nobody.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any

from redis.exceptions import (
    AuthenticationError,
    ClusterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)

from service.adapters import redis_keys
from service.adapters.redis_batch import Batch
from service.adapters.redis_link import AWAY, RedisLink
from service.domain.errors import RedisAway, ShardHalted
from service.domain.events import SHARDS
from service.domain.rows import StoredRow
from service.flows.ports import Applied

TIMEOUT_S = 1.0
_SCRIPT = (Path(__file__).parent / "apply_batch.lua").read_bytes()
_SHA = sha1(_SCRIPT, usedforsecurity=False).hexdigest()
_WRONG_TYPE = -1
# The server refused before anything ran, for reasons of its own that pass.
_PASSING = (
    *(AuthenticationError, NoPermissionError, OutOfMemoryError, ReadOnlyError),
    *(ClusterDownError, TryAgainError),
)
_PASSING_WORDS = (
    *("OOM", "READONLY", "MISCONF", "NOREPLICAS", "LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN"),
    *("TRYAGAIN", "NOAUTH", "WRONGPASS", "NOPERM", "MOVED", "ASK", "UNKILLABLE", "NOGOODSLAVE"),
)


class RedisApplier:
    """Folds rows into the counts; the link stays its maker's to close."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def marks(self, shard: int) -> Mapping[str, int]:
        """Return every journal's mark in a shard; raises `RedisAway`."""
        reply = await self._ask("HGETALL", redis_keys.applied(shard))
        try:
            return {journal.decode(): int(mark) for journal, mark in reply.items()}
        except (AttributeError, ValueError) as error:
            raise RedisAway(f"marks of shard {shard} make no sense") from error

    async def apply(
        self, shard: int, journal: str, expected: int, rows: Sequence[StoredRow]
    ) -> Applied:
        """Apply rows whole; raises `RedisAway` in doubt, `ShardHalted` by a key of another type."""
        batch = Batch(shard, rows)
        arguments = (
            *(len(batch.keys), *batch.keys),
            *(journal, expected, rows[-1].number, batch.packed),
        )
        try:
            reply = await self._ask("EVALSHA", _SHA, *arguments)
        except NoScriptError:  # proves that nothing ran
            reply = await self._ask("EVAL", _SCRIPT, *arguments)
        return await self._applied(reply, rows[-1].number, batch.keys)

    async def forget(self, journal: str) -> None:
        """Delete a journal's marks; raises `RedisAway`."""
        for shard in range(SHARDS):
            await self._ask("HDEL", redis_keys.applied(shard), journal)

    async def _applied(self, reply: Any, through: int, keys: Sequence[str]) -> Applied:
        numbers = reply if isinstance(reply, list) else []
        if not numbers or not all(isinstance(number, int) for number in numbers):
            await self._link.drop(self._link.client)
            raise RedisAway("an answer makes no sense")
        done, mark, *duplicates = numbers
        if done == _WRONG_TYPE:
            raise ShardHalted(f"{keys[mark - 1]} holds another type", lasting=False)
        return Applied(done == 1 and mark == through, mark, frozenset(duplicates))

    async def _ask(self, *command: Any) -> Any:
        """Send one command once; raises `NoScriptError` as it is, all else in our own words."""
        client = self._link.client
        try:
            return await client.execute_command(*command)
        except NoScriptError:
            raise
        except _PASSING as error:
            await self._link.drop(client)
            raise RedisAway(str(error)) from error
        except ResponseError as error:
            await self._link.drop(client)
            if str(error).upper().startswith(_PASSING_WORDS) or command[0] not in _SCRIPTED:
                raise RedisAway(str(error)) from error
            raise ShardHalted(f"the script failed: {error}", lasting=True) from error
        except AWAY as error:
            await self._link.drop(client)
            raise RedisAway(str(error) or type(error).__name__) from error
        except BaseException:  # cancelled half-way: its reply must reach nobody else
            await self._link.drop(client)
            raise


_SCRIPTED = frozenset({"EVALSHA", "EVAL"})
