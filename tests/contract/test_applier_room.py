"""How much memory the bits take that make events count once, by the engine's own account."""

from collections.abc import AsyncIterator

import pytest

from service.domain.events import BITS_PER_TOKEN, CHUNK_TOKENS, Event, Kind
from tests.made import ISSUER, JOURNAL, SHARD, event, stored
from tests.worlds import SEEN, EngineWorld

BYTES_PER_DECISION = 5.1  # of a full chunk; 4 are the bits, the rest is how allocators round up
SMALL = 100  # tokens
FEW_BYTES = 2_000
LIFE_S = 96 * 3_600


@pytest.fixture(params=["valkey", "oldest_redis"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[EngineWorld]:
    engine: EngineWorld = request.getfixturevalue(f"on_{request.param}")
    yield engine
    for link in engine.links:
        await link.close()


def first_and_last(serial: int) -> list[Event]:
    """Return a page view, and its share that has the last of the token's bits."""
    share = event(Kind.SHARE, serial)
    last = (ISSUER, 0, serial * BITS_PER_TOKEN + BITS_PER_TOKEN - 1)
    return [event(Kind.VIEW, serial), share._replace(seen=last)]


async def report(world: EngineWorld, serials: range, tokens_per_row: int) -> None:
    applier, mark = world.applier(), 0
    for at in range(serials.start, serials.stop, tokens_per_row):
        some = range(at, min(at + tokens_per_row, serials.stop))
        rows = stored([each for serial in some for each in first_and_last(serial)], after=mark)
        applied = await applier.apply(SHARD, JOURNAL, mark, rows)
        assert applied.done
        assert not applied.duplicates
        mark = rows[-1].number


@pytest.mark.parametrize("tokens_per_row", [36, 50])  # a growing string's luck depends on it
async def test_a_full_chunk_takes_five_bytes_a_decision(
    world: EngineWorld, tokens_per_row: int
) -> None:
    await report(world, range(CHUNK_TOKENS), tokens_per_row)
    taken = world.client.memory_usage(SEEN)
    assert taken is not None
    assert taken / CHUNK_TOKENS <= BYTES_PER_DECISION
    assert world.client.bitcount(SEEN) == 2 * CHUNK_TOKENS
    assert LIFE_S - 60 < world.client.ttl(SEEN) <= LIFE_S


async def test_a_chunk_that_was_hardly_begun_takes_next_to_nothing(world: EngineWorld) -> None:
    await report(world, range(SMALL), 10)
    assert (world.client.memory_usage(SEEN) or 0) <= FEW_BYTES


async def test_tokens_that_come_in_any_order_keep_their_bits(world: EngineWorld) -> None:
    applier = world.applier()
    serials = [CHUNK_TOKENS - 1, 0, 4_095, 4_096, 8_191, 8_192, 50_000, 50_001]
    for mark, serial in enumerate(serials):
        rows = stored(first_and_last(serial), after=mark)
        assert not (await applier.apply(SHARD, JOURNAL, mark, rows)).duplicates
    again = stored([each for serial in serials for each in first_and_last(serial)], after=8)
    assert len((await applier.apply(SHARD, JOURNAL, 8, again)).duplicates) == 16
