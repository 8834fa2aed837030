"""Keys and fields that somebody else spoilt: every applier halts and writes nothing."""

import pytest

from service.domain.errors import ShardHalted
from tests.made import (
    ARTICLE,
    JOURNAL,
    SHARD,
    event,
    page,
    stored,
)
from tests.worlds import (
    APPLIED,
    ARTICLES,
    CLICK,
    DAYS,
    HOURS,
    KNOWN,
    NAMES,
    PACE,
    SEEN,
    VIEW,
    World,
    held,
)


class TestStrangers:
    @pytest.mark.parametrize("key", [APPLIED, HOURS, DAYS, ARTICLES, NAMES, PACE, SEEN, KNOWN])
    async def test_a_key_of_another_type_halts_the_shard_and_nothing_is_written(
        self, world: World, key: str
    ) -> None:
        applier = world.applier()
        await applier.apply(SHARD, JOURNAL, 0, stored(page(1)))
        world.put_other_type(key)
        before = world.kept()
        with pytest.raises(ShardHalted) as halted:
            await applier.apply(SHARD, JOURNAL, 1, stored(page(2), after=1))
        assert not halted.value.lasting
        assert key in halted.value.reason
        assert world.kept() == before

    @pytest.mark.parametrize(
        ("key", "field"),
        [
            (HOURS, f"{CLICK}|valid"),
            (DAYS, f"{VIEW}|valid"),
            (ARTICLES, f"example|{ARTICLE}|-|view|-"),
            (PACE, "vs-text|top|ios|-|click"),
            (APPLIED, JOURNAL),
        ],
    )
    async def test_a_field_that_is_no_number_halts_the_shard_and_nothing_is_written(
        self, world: World, key: str, field: str
    ) -> None:
        applier = world.applier()
        for text in ("", "x", "1.5", "007", "1e3", "0x1f", "nan", " 1", "9" * 20):
            world.put(key, field, text)
            before = world.kept()
            with pytest.raises(ShardHalted) as halted:
                await applier.apply(SHARD, JOURNAL, 0, stored(page(1)))
            assert not halted.value.lasting
            assert key in halted.value.reason
            assert world.kept() == before

    async def test_fields_that_a_row_does_not_touch_are_no_hindrance(self, world: World) -> None:
        world.put(HOURS, "a note", "of somebody else")
        assert (await world.applier().apply(SHARD, JOURNAL, 0, stored(page(1)))).done

    async def test_a_count_that_somebody_corrected_is_counted_on(self, world: World) -> None:
        world.put(HOURS, f"{VIEW}|valid", "-40")
        await world.applier().apply(SHARD, JOURNAL, 0, stored([event()]))
        assert held(world, HOURS) == {f"{VIEW}|valid": "-39"}

    async def test_marks_of_another_type_halt_only_that_shard(self, world: World) -> None:
        applier = world.applier()
        world.put_other_type(APPLIED)
        with pytest.raises(ShardHalted) as halted:
            await applier.marks(SHARD)
        assert not halted.value.lasting
        assert await applier.marks(SHARD + 1) == {}

    async def test_a_mark_that_is_no_number_halts_the_shard(self, world: World) -> None:
        world.put(APPLIED, JOURNAL, "many")
        with pytest.raises(ShardHalted) as halted:
            await world.applier().marks(SHARD)
        assert not halted.value.lasting
