"""Looks whether Redis is set up to keep what it is told; changes no setting and refuses nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from service.adapters.redis_applier import SCRIPT, rehearsal
from service.adapters.redis_link import AWAY, RedisLink
from service.domain.errors import RedisAway

_WANTED = ("appendfsync", "save", "min-replicas-to-write")
_REDIS, _VALKEY = (7, 0), (7, 2)


async def setting_remarks(link: RedisLink) -> list[str]:
    """Return what is amiss on any server, by the setting's name; raises `RedisAway`."""
    remarks: list[str] = []
    try:
        remarks += await _rehearsal(link)
        for info, settings in await link.ask_all(_described):
            remarks += _remarks(info, settings)
    except AWAY as error:
        raise RedisAway(str(error)) from error
    return list(dict.fromkeys(remarks))


async def _rehearsal(link: RedisLink) -> list[str]:
    """Run the script on scratch keys with everything in it that it ever does, and delete them."""
    keys, arguments = rehearsal()
    async with link.borrow(keys[0]) as server:
        try:
            await server.eval(SCRIPT.decode(), len(keys), *keys, *arguments)
            await server.delete(*keys)
        except ResponseError as error:
            return [f"the script may not run here: {error}"]
    return []


def _remarks(info: Mapping[str, Any], settings: Mapping[str, str] | None) -> Iterator[str]:
    valkey = info.get("valkey_version")
    version, least = (valkey, _VALKEY) if valkey else (info.get("redis_version", "0.0"), _REDIS)
    if tuple(int(part) for part in str(version).split(".")[:2]) < least:
        yield f"version {version} is too old: use Redis 7.0 or Valkey 7.2, or newer"
    if info.get("maxmemory_policy", "noeviction") != "noeviction":
        yield f"maxmemory-policy is {info['maxmemory_policy']}: counts may go; set noeviction"
    if settings is None:
        yield "CONFIG GET is not allowed: appendfsync, save, min-replicas-to-write are not checked"
        settings = {}
    if not info.get("aof_enabled"):
        what = "only snapshots" if settings.get("save", "?") else "no persistence at all"
        yield f"appendonly is no ({what}): a restart loses what no journal retains; set yes"
    elif settings.get("appendfsync") == "no":
        yield "appendfsync is no: a power cut loses half a minute; set everysec"
    if info.get("connected_slaves") and settings.get("min-replicas-to-write", "1") == "0":
        yield "min-replicas-to-write is 0: a cut-off master goes on counting alone; set 1"


async def _described(server: Redis) -> tuple[Mapping[str, Any], Mapping[str, str] | None]:
    return await server.info(), await _settings(server)


async def _settings(server: Redis) -> Mapping[str, str] | None:
    found: dict[Any, Any] = {}
    try:
        for name in _WANTED:
            found |= await server.config_get(name)
    except ResponseError:  # managed servers do not show their configuration
        return None
    return {_text(name): _text(value) for name, value in found.items()}


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
