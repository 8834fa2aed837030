"""Rows as the keys and the one packed argument of `apply_batch.lua`; sends nothing."""

from collections.abc import Hashable, Sequence

import msgspec

from service.adapters import redis_keys
from service.domain.events import Event
from service.domain.rows import StoredRow

_encoder = msgspec.msgpack.Encoder()
_NO_ARTICLE = (0, 0, "", "", "")
_NO_PACE = (0, "")
_NOT_SEEN = (0, 0)


class Batch:
    """One script call: all keys of one shard, each with its type and life."""

    def __init__(
        self, shard: int, rows: Sequence[StoredRow], bounds: redis_keys.Bounds = redis_keys.BOUNDS
    ) -> None:
        self._shard = shard
        self._places: dict[Hashable, int] = {}
        self.keys = [redis_keys.applied(shard)]
        self._kinds: list[tuple[str, int]] = []
        events = [self._event(event) for row in rows if row.row for event in row.row.events]
        names = [
            (self._hashed("names", hour), field, text)
            for row in rows
            if row.row
            for hour, field, text in row.row.names
        ]
        self.packed = _encoder.encode((self._kinds, events, names, *bounds))

    def _event(self, event: Event) -> tuple[int | str, ...]:
        hour, seen, article, pace = event.hour, _NOT_SEEN, _NO_ARTICLE, _NO_PACE
        if event.seen is not None:
            issuer, chunk, bit = event.seen
            seen = (self._seen(issuer, chunk), bit)
        if event.article is not None:
            site, identifier, rest = event.article.split("|", 2)
            known = self._known(site, hour)
            article = (self._hashed("articles", hour), known, site, identifier, rest)
        if event.pace is not None:
            pace = (self._hashed("pace", hour), event.pace)
        hours, days = self._hashed("hour", hour), self._hashed("day", hour)
        return (event.count, hours, days, event.field, event.verdict, *seen, *article, *pace)

    def _hashed(self, name: str, hour: int) -> int:
        return self._places.get((name, hour)) or self._place_hash(name, hour)

    def _place_hash(self, name: str, hour: int) -> int:
        key = redis_keys.HASHES[name]
        text = key.name(self._shard, hour)
        return self._place((name, hour), text, redis_keys.HASH, key.life_s)

    def _seen(self, issuer: int, chunk: int) -> int:
        token = (issuer, chunk)
        return self._places.get(token) or self._place(
            token, redis_keys.seen(self._shard, *token), redis_keys.BITMAP, redis_keys.SEEN_LIFE_S
        )

    def _known(self, site: str, hour: int) -> int:
        token = (redis_keys.known, site, hour)
        return self._places.get(token) or self._place(
            token, redis_keys.known(self._shard, site, hour), redis_keys.SET, redis_keys.SEEN_LIFE_S
        )

    def _place(self, token: Hashable, key: str, kind: str, life_s: int) -> int:
        """Give a key its place in KEYS, counted from 1 as Lua does, and only one."""
        place = self._places.get(key)  # a day's hours share its key, a month's days that of names
        if place is None:
            self.keys.append(key)
            self._kinds.append((kind, life_s))
            place = len(self.keys)
        self._places[token] = self._places[key] = place
        return place
