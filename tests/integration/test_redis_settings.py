"""What Redis is not set up for is said by name, and looking at it leaves nothing behind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from service.adapters.redis_link import RedisLink
from service.adapters.redis_settings import setting_remarks
from tests import engine


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    """An engine as the service embeds it: set up as it should be."""
    async with engine.running(tmp_path / "redis") as running:
        yield running.url


async def remarks(address: str) -> list[str]:
    link = RedisLink(address, timeout_s=2)
    try:
        return await setting_remarks(link)
    finally:
        await link.close()


async def configured(address: str, **settings: str) -> None:
    async with engine.client(address) as client:
        for name, value in settings.items():
            await client.config_set(name.replace("_", "-"), value)


async def test_the_embedded_engine_gives_no_cause_for_remarks(address: str) -> None:
    assert await remarks(address) == []
    async with engine.client(address) as client:
        assert await client.keys("*") == [], "the rehearsal must leave nothing"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, "maxmemory-policy"),
        ({"appendfsync": "no"}, "appendfsync"),
        ({"appendonly": "no"}, "appendonly is no (no persistence at all)"),
        ({"appendonly": "no", "save": "900 1"}, "appendonly is no (only snapshots)"),
    ],
)
async def test_each_setting_is_named(address: str, settings: dict[str, str], named: str) -> None:
    await configured(address, **settings)
    (remark,) = await remarks(address)
    assert remark.startswith(named), remark


async def test_a_user_who_may_not_run_the_script_is_told_what_is_missing(address: str) -> None:
    async with engine.client(address) as client:
        await _user(client, "+@all", "-setbit", "-config")
    found = await remarks(address.replace("unix://", "unix://writer:secret@"))
    assert "SETBIT" in found[0]
    assert any("CONFIG GET is not allowed" in remark for remark in found)
    assert not any("secret" in remark for remark in found)


async def _user(client: Redis, *rules: str) -> None:
    rules = ("on", ">secret", "~hb:*", *rules)
    await client.execute_command("ACL", "SETUSER", "writer", *rules)  # type: ignore[no-untyped-call]  # the library's
