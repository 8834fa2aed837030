"""The torture kit itself: an oracle that cannot find a fault would prove nothing."""

from pathlib import Path

from service.adapters import redis_keys
from service.domain.events import SHARDS, Kind, bit_of
from tests.torture.ledger import Pace
from tests.torture.oracle import audit
from tests.torture.pages import BY_BIT, DEEDS, Page, shard_of
from tests.torture.redis_process import RedisProcess, redis_running
from tests.torture.scene import scene

HASTE = Pace(decided=0.0, repeat_within_s=0.2)  # no page has to ripen
BITS_PER_TOKEN = 32


async def field_of(redis: RedisProcess, name: str, verdict: str = "") -> tuple[str, str]:
    """Return a key of that name and a field in it, which ends in the verdict."""
    for shard in range(SHARDS):
        for key in await redis.ask("KEYS", f"hb:{{{shard:02}}}:{name}:*"):
            for field in await redis.ask("HKEYS", key):
                if field.endswith(verdict):
                    return key, field
    raise LookupError(name)


def place_of(page: Page, bit: int) -> tuple[str, int]:
    """Return the bitmap and the place there of a page's bit."""
    shard = shard_of(page.issuer, page.serial)
    return redis_keys.seen(shard, page.issuer, page.chunk), page.place * BITS_PER_TOKEN + bit


def test_every_deed_has_a_bit_of_its_own() -> None:
    assert len(BY_BIT) == len(DEEDS)


async def test_the_oracle_finds_what_was_done_to_the_counts(tmp_path: Path) -> None:
    async with redis_running() as redis, scene(tmp_path, redis.url, pace=HASTE) as it:
        await it.load.offer(400)
        await it.nobody_noticed()
        internal, page = it.services[0].internal, it.load.pages[0]
        seen, place = place_of(page, bit_of(Kind.VIEW, 0))
        strange, nowhere = place_of(page, bit_of(Kind.CLICK, 1))
        hour, field = await field_of(redis, "hour", "valid")
        day, same = await field_of(redis, "day", "valid")
        articles, of_article = await field_of(redis, "articles")
        pace, of_pace = await field_of(redis, "pace")
        stranger = redis_keys.seen(shard_of(1, 0), 1, 0)
        for wrong, right, faults in (
            (("HINCRBY", hour, field, 1), ("HINCRBY", hour, field, -1), {"double": 1}),
            (("HINCRBY", hour, field, -2), ("HINCRBY", hour, field, 2), {"lost": 2}),
            (("SETBIT", seen, place, 0), ("SETBIT", seen, place, 1), {"lost": 1, "double": 1}),
            (("SETBIT", strange, nowhere, 1), ("SETBIT", strange, nowhere, 0), {"invented": 1}),
            (("SETBIT", stranger, 7, 1), ("DEL", stranger), {"invented": 1}),
            (("HINCRBY", day, same, 1), ("HINCRBY", day, same, -1), {}),
            (("HINCRBY", articles, of_article, 1), ("HINCRBY", articles, of_article, -1), {}),
            (("HINCRBY", pace, of_pace, 1), ("HINCRBY", pace, of_pace, -1), {}),
        ):
            await redis.ask(*wrong)
            account = await audit(it.load, internal, redis_url=redis.url, wait_s=0)
            assert not account.sound, wrong
            found = {"lost": account.lost, "double": account.double, "invented": account.invented}
            assert {name: count for name, count in found.items() if count} == faults, wrong
            assert account.strange or faults, wrong
            await redis.ask(*right)
        await it.all_counted()


async def test_an_event_that_nobody_acknowledged_may_be_missing(tmp_path: Path) -> None:
    async with redis_running() as redis, scene(tmp_path, redis.url, pace=HASTE) as it:
        await it.load.offer(200)
        await it.nobody_noticed()
        internal, page = it.services[0].internal, it.load.pages[0]
        page.maybe, page.acked = page.acked, 0
        assert (await audit(it.load, internal, redis_url=redis.url, wait_s=0)).sound
        page.maybe = page.offered = 0
        account = await audit(it.load, internal, redis_url=redis.url, wait_s=0)
        assert account.invented > 0
