"""Rows as the keys and the one packed argument of `apply_batch.lua`; sends nothing."""

from collections.abc import Sequence

import msgspec

from service.adapters import redis_keys
from service.domain.events import Event
from service.domain.rows import StoredRow

_encoder = msgspec.msgpack.Encoder()
_NOT_SEEN = (None, 0, 0)
_NO_ARTICLE = ("", "", "")
_Kin = tuple[int, int | None, int, str, bool]
"""Hour, issuer, chunk, site of the article and whether there is no pace: what keys depend on."""


class Batch:
    """One script call: all keys of one shard, each with its type and life."""

    def __init__(
        self, shard: int, rows: Sequence[StoredRow], bounds: redis_keys.Bounds = redis_keys.BOUNDS
    ) -> None:
        self._shard = shard
        self._places: dict[str, int] = {}
        self._kin: dict[_Kin, tuple[int, ...]] = {}
        self._of_names: dict[int, int] = {}
        self.keys = [redis_keys.applied(shard)]
        self._kinds: list[tuple[str, int]] = []
        events = [self._event(event) for row in rows if row.row for event in row.row.events]
        names = [
            (self._names(hour), field, text)
            for row in rows
            if row.row
            for hour, field, text in row.row.names
        ]
        self.packed = _encoder.encode((self._kinds, events, names, *bounds))

    def _event(self, event: Event) -> tuple[int | str, ...]:
        # Once for each event that is shipped: few look-ups, no attributes.
        hour, _, field, verdict, count, seen, article, pace, _ = event
        issuer, chunk, bit = seen or _NOT_SEEN
        site, identifier, rest = article.split("|", 2) if article else _NO_ARTICLE
        kin = (hour, issuer, chunk, site, pace is None)
        hours, days, bits, articles, known, paces = self._kin.get(kin) or self._place_kin(kin)
        return (
            count, hours, days, field, verdict, bits, bit,
            articles, known, site, identifier, rest, paces, pace or "",
        )  # fmt: skip

    def _place_kin(self, kin: _Kin) -> tuple[int, ...]:
        """Return the places of the six keys of events that are alike, 0 for those of no use."""
        hour, issuer, chunk, site, no_pace = kin
        places = self._kin[kin] = (
            self._hashed("hour", hour),
            self._hashed("day", hour),
            0 if issuer is None else self._seen(issuer, chunk),
            self._hashed("articles", hour) if site else 0,
            self._known(site, hour) if site else 0,
            0 if no_pace else self._hashed("pace", hour),
        )
        return places

    def _hashed(self, name: str, hour: int) -> int:
        key = redis_keys.HASHES[name]
        return self._place(key.name(self._shard, hour), redis_keys.HASH, key.life_s)

    def _seen(self, issuer: int, chunk: int) -> int:
        key = redis_keys.seen(self._shard, issuer, chunk)
        return self._place(key, redis_keys.BITMAP, redis_keys.SEEN_LIFE_S)

    def _known(self, site: str, hour: int) -> int:
        key = redis_keys.known(self._shard, site, hour)
        return self._place(key, redis_keys.SET, redis_keys.SEEN_LIFE_S)

    def _names(self, hour: int) -> int:
        place = self._of_names.get(hour)
        if place is None:
            place = self._of_names[hour] = self._hashed("names", hour)
        return place

    def _place(self, key: str, kind: str, life_s: int) -> int:
        """Give a key its place in KEYS, counted from 1 as Lua does, and only one."""
        place = self._places.get(key)  # a day's hours share its key, a month's days that of names
        if place is None:
            self.keys.append(key)
            self._kinds.append((kind, life_s))
            place = self._places[key] = len(self.keys)
        return place
