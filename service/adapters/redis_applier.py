"""Applies rows to Redis by one script and reads its marks; repeats nothing and keeps no rows.

After any error or unexpected answer its connections are dropped: a late reply reaches nobody.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any

from redis.exceptions import (
    AskError,
    ClusterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)

from service.adapters import redis_keys
from service.adapters.crash_points import CrashPoint, Reached, never
from service.adapters.redis_batch import Batch
from service.adapters.redis_link import RedisLink
from service.domain.errors import RedisAway, ShardHalted
from service.domain.events import SHARDS, Event, Verdict
from service.domain.rows import StoredRow, rows_of
from service.flows.ports import Applied

TIMEOUT_S = 1.0
SCRIPT = (Path(__file__).parent / "apply_batch.lua").read_bytes()
_SHA = sha1(SCRIPT, usedforsecurity=False).hexdigest()
_STRANGE, _REPLY_MIN = -1, 2
# The server refused before anything ran, for reasons of its own that pass.
_PASSING = (
    *(NoPermissionError, NoScriptError, OutOfMemoryError, ReadOnlyError),
    *(AskError, ClusterDownError, TryAgainError),  # the first is a MovedError too
)
_PASSING_WORDS = (
    *("OOM", "READONLY", "MISCONF", "NOREPLICAS", "LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN"),
    *("TRYAGAIN", "NOAUTH", "WRONGPASS", "NOPERM", "UNKILLABLE", "NOGOODSLAVE"),
)


class RedisApplier:
    """Folds rows into the counts; the link stays its maker's to close."""

    def __init__(
        self,
        link: RedisLink,
        bounds: redis_keys.Bounds = redis_keys.BOUNDS,
        reached: Reached = never,
    ) -> None:
        self._link = link
        self._bounds = bounds
        self._reached = reached

    async def marks(self, shard: int) -> Mapping[str, int]:
        """Return every journal's mark in a shard; raises `RedisAway` and `ShardHalted`."""
        reply = await self._ask(shard, "HGETALL", redis_keys.applied(shard))
        try:
            return {journal.decode(): int(mark) for journal, mark in reply.items()}
        except (AttributeError, TypeError, ValueError) as error:
            reason = f"{redis_keys.applied(shard)} holds what is no mark"
            raise ShardHalted(reason, lasting=False) from error

    async def apply(
        self, shard: int, journal: str, expected: int, rows: Sequence[StoredRow]
    ) -> Applied:
        """Apply rows whole; raises `RedisAway` in doubt, `ShardHalted` by a key not ours."""
        batch = Batch(shard, rows, self._bounds)
        arguments = (
            *(len(batch.keys), *batch.keys),
            *(journal, expected, rows[-1].number, batch.packed),
        )
        try:
            reply = await self._ask(shard, "EVALSHA", _SHA, *arguments)
        except NoScriptError:  # proves that nothing ran
            reply = await self._ask(shard, "EVAL", SCRIPT, *arguments)
        self._reached(CrashPoint.AFTER_APPLY)
        done, mark, *duplicates = reply
        if done == _STRANGE:
            reason = f"{batch.keys[mark - 1]} holds what is no count of ours"
            raise ShardHalted(reason, lasting=False)
        return Applied(done == 1 and mark == rows[-1].number, mark, frozenset(duplicates))

    async def forget(self, journal: str) -> None:
        """Delete a journal's marks; raises `RedisAway` and `ShardHalted`."""
        for shard in range(SHARDS):
            await self._ask(shard, "HDEL", redis_keys.applied(shard), journal)

    async def _ask(self, shard: int, *command: Any) -> Any:
        """Send one command once; raises EVALSHA's `NoScriptError` as it is, all else in our words.

        The link lends no client again that raised anything: a late reply reaches nobody.
        """
        try:
            async with self._link.borrow(redis_keys.applied(shard)) as client:
                reply = await client.execute_command(*command)  # type: ignore[no-untyped-call]  # the library's
                if not _SENSIBLE[command[0]](reply):
                    raise RedisAway("an answer makes no sense")
        except RedisAway:
            raise
        except ResponseError as error:
            if isinstance(error, NoScriptError) and command[0] == "EVALSHA":
                raise
            raise _meaning(error, command[0]) from error
        except Exception as error:  # not only what the client promises to raise
            raise RedisAway(str(error) or type(error).__name__) from error
        return reply


def rehearsal() -> tuple[list[str], tuple[str | int | bytes, ...]]:
    """Return scratch keys, in one slot, and arguments that have the script do all it ever does."""
    event = Event(
        0, 0, "-|-|-|-|-|-|-|view|-", Verdict.VALID, 1, (0, 0, 0), "-|0|-|view|-", "-|-|-|-|view",
        (("-", "-"),),
    )  # fmt: skip
    row = StoredRow(1, 1, 0, rows_of([event], 0)[0])
    batch = Batch(0, [row])
    keys = [key.replace("hb:", "hb:rehearsal:", 1) for key in batch.keys]
    return keys, ("rehearsal", 0, 1, batch.packed)


def _meaning(error: ResponseError, command: str) -> RedisAway | ShardHalted:
    """Say in our own words what Redis answered instead of what it was asked for."""
    text = str(error)
    if text.startswith(_NOTHING_DONE[command]):
        return ShardHalted(text, lasting=False)
    passing = isinstance(error, _PASSING) or text.upper().startswith(_PASSING_WORDS)
    if passing or command not in _SCRIPTED:
        return RedisAway(f"{type(error).__name__}: {text}")
    return ShardHalted(f"the script failed: {text}", lasting=True)


def _is_account(reply: Any) -> bool:
    """Say whether it is what the script returns: two numbers or more, and nothing else."""
    numbers = reply if isinstance(reply, list) else []
    return len(numbers) >= _REPLY_MIN and all(isinstance(number, int) for number in numbers)


_SCRIPTED = frozenset({"EVALSHA", "EVAL"})
_NOTHING_DONE = {
    **dict.fromkeys(_SCRIPTED, "UNREAD"),  # the script's own word
    **dict.fromkeys(("HGETALL", "HDEL"), "WRONGTYPE"),
}
_SENSIBLE: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(_SCRIPTED, _is_account),
    "HGETALL": lambda reply: isinstance(reply, dict),
    "HDEL": lambda reply: isinstance(reply, int),
}
