"""What `apply_batch.lua` does to the keys of a shard, in plain Python; no I/O, no faults."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from service.adapters import redis_keys
from service.adapters.redis_keys import BITMAP, HASH, SEEN_LIFE_S, SET
from service.domain.errors import ShardHalted
from service.domain.events import Event, Verdict
from service.domain.rows import StoredRow
from service.flows.ports import Applied

Content = Mapping[str, str] | frozenset[str] | frozenset[int]
"""What a key holds: fields of a hash, members of a set, or the bits that are set."""
A_STRANGERS: Content = frozenset({"not ours"})
_NUMBER = re.compile(r"(?:0|-?[1-9][0-9]{0,14})\Z")


class Kept(NamedTuple):
    """A key's content and the seconds that it lives on, None for ever."""

    content: Content
    life_s: int | None


@dataclass
class Data:
    """All keys, by what they hold; `other` are of a type that is none of ours."""

    hashes: dict[str, dict[str, str]] = field(default_factory=dict)
    sets: dict[str, set[str]] = field(default_factory=dict)
    bitmaps: dict[str, set[int]] = field(default_factory=dict)
    lives: dict[str, int] = field(default_factory=dict)
    other: set[str] = field(default_factory=set)

    def fits(self, key: str, kind: str) -> bool:
        """Say whether a key holds this type, or nothing."""
        held = ((HASH, self.hashes), (SET, self.sets), (BITMAP, self.bitmaps), ("", self.other))
        return not any(key in keys for other, keys in held if other != kind)

    def copied(self, touched: Collection[str]) -> "Data":
        """Return the same data, in which these keys may be changed."""
        return Data(
            {key: {**held} if key in touched else held for key, held in self.hashes.items()},
            {key: {*held} if key in touched else held for key, held in self.sets.items()},
            {key: {*held} if key in touched else held for key, held in self.bitmaps.items()},
            {**self.lives},
            self.other,
        )

    def kept(self) -> dict[str, Kept]:
        """Return every key that is there."""
        contents: dict[str, Content] = {
            **{key: dict(fields) for key, fields in self.hashes.items() if fields},
            **{key: frozenset(members) for key, members in self.sets.items() if members},
            **{key: frozenset(bits) for key, bits in self.bitmaps.items() if bits},
            **dict.fromkeys(self.other, A_STRANGERS),
        }
        return {key: Kept(content, self.lives.get(key)) for key, content in contents.items()}


def number(key: str, text: str) -> int:
    """Return a mark or count; raises `ShardHalted` where it is none."""
    if not _NUMBER.match(text):
        raise ShardHalted(f"{key} holds what is no count", lasting=False)
    return int(text)


class Fold:
    """One application over a copy of the data; whoever made it takes `data` if it worked."""

    def __init__(self, data: Data, bounds: redis_keys.Bounds, shard: int) -> None:
        self.data = data
        self._bounds = bounds
        self._shard = shard

    def apply(self, journal: str, expected: int, rows: Sequence[StoredRow]) -> Applied:
        """Apply rows whole if the mark is as expected; raises `ShardHalted`."""
        key = redis_keys.applied(self._shard)
        lives = self._lives(rows)
        for touched, (kind, _) in {key: (HASH, 0), **lives}.items():
            if not self.data.fits(touched, kind):
                raise ShardHalted(f"{touched} holds another type", lasting=False)
        self.data = self.data.copied({key, *lives})
        marks = self.data.hashes.setdefault(key, {})
        mark = number(key, marks.get(journal, "0"))
        if mark != expected:
            return Applied(False, mark)
        made = [stored.row for stored in rows if stored.row]
        events = [event for row in made for event in row.events]
        duplicates = {at for at, event in enumerate(events) if not self._event(event)}
        for hour, name, text in (name for row in made for name in row.names):
            names = self.data.hashes.setdefault(redis_keys.names(self._shard, hour), {})
            if len(names) < self._bounds.names:
                names.setdefault(name, text)
        marks[journal] = str(rows[-1].number)
        self.data.lives.update({touched: life_s for touched, (_, life_s) in lives.items()})
        return Applied(True, rows[-1].number, frozenset(duplicates))

    def _lives(self, rows: Sequence[StoredRow]) -> dict[str, tuple[str, int]]:
        """Return the keys that rows touch, with their types and lives."""
        found: dict[str, tuple[str, int]] = {}
        for row in (stored.row for stored in rows if stored.row):
            for event in row.events:
                found |= self._lives_of(event)
            for hour, _, _ in row.names:
                found |= self._life("names", hour)
        return found

    def _lives_of(self, event: Event) -> dict[str, tuple[str, int]]:
        hour = event.hour
        found = self._life("hour", hour) | self._life("day", hour)
        if event.seen is not None:
            found[redis_keys.seen(self._shard, *event.seen[:2])] = (BITMAP, SEEN_LIFE_S)
        if event.article is not None:
            site = event.article.split("|")[0]
            found |= self._life("articles", hour)
            found[redis_keys.known(self._shard, site, hour)] = (SET, SEEN_LIFE_S)
        if event.pace is not None:
            found |= self._life("pace", hour)
        return found

    def _life(self, name: str, hour: int) -> dict[str, tuple[str, int]]:
        key = redis_keys.HASHES[name]
        return {key.name(self._shard, hour): (HASH, key.life_s)}

    def _event(self, event: Event) -> bool:
        """Count one event; say whether it was the first of its kind."""
        shard, hour, first = self._shard, event.hour, True
        if event.seen is not None:
            issuer, chunk, bit = event.seen
            bits = self.data.bitmaps.setdefault(redis_keys.seen(shard, issuer, chunk), set())
            first = bit not in bits
            bits.add(bit)
        verdict = event.verdict if first else Verdict.DUPLICATE
        for key in (redis_keys.hour(shard, hour), redis_keys.day(shard, hour)):
            self._add(key, f"{event.field}|{verdict}", event.count)
        if first and event.article is not None:
            self._add(redis_keys.articles(shard, hour), self._listed(event), event.count)
        if first and event.pace is not None:
            self._add(redis_keys.pace(shard, hour), event.pace, event.count)
        return first

    def _listed(self, event: Event) -> str:
        assert event.article is not None
        site, article, rest = event.article.split("|", 2)
        known = self.data.sets.setdefault(redis_keys.known(self._shard, site, event.hour), set())
        if article not in known and len(known) >= self._bounds.articles:
            article = "other"
        else:
            known.add(article)
        return f"{site}|{article}|{rest}"

    def _add(self, key: str, name: str, count: int) -> None:
        fields = self.data.hashes.setdefault(key, {})
        fields[name] = str(number(key, fields.get(name, "0")) + count)
