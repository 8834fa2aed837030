"""What `--redis-url` means: clients that repeat no command by themselves; connects to nobody."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from service.adapters.redis_connections import OURS, MasterConnection, TcpConnection
from service.adapters.redis_places import Address, Connect, Sentinels
from service.domain.errors import BadConfiguration, Problem

CONNECTIONS = 16  # to each server
HERE: Address = ("", 0)  # of the one server, where there is one
_PORT, _SENTINEL_PORT = 6379, 26379
_URL = re.compile(r"([a-z+]+)://([^/?#]*)(.*)", re.DOTALL)


def read_address(url: str, timeout_s: float) -> tuple[Connect, Sequence[Address]]:
    """Return what makes clients, and a Cluster's nodes where it is one."""
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": False,
    }
    try:
        parts = _parted(url)
        if parts.fragment or (parts.scheme == "unix" and not parts.path):
            raise ValueError  # a password with a # or a ? in it, as far as one can tell
        if parts.scheme == "redis+sentinel":
            return _sentinel(parts, options), ()
        if parts.scheme == "redis+cluster":
            connect = partial(_node, options | _credentials(parts))
            return connect, _hosts(parts, _PORT)
        _single(url, options, HERE)  # a bad address is said at once
        return partial(_single, url, options), ()
    except (ValueError, RedisError):  # whose own words may show a password
        what = "write it as scheme://user:password@host:port, with %23, %2F, %3F for #, /, ?"
        raise _bad(what) from None


def _parted(url: str) -> SplitResult:
    """Return an address's parts, or raise `ValueError`.

    The hosts are cut out before: of several, Pythons since 2023 take no [IPv6] but as the first.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError
    scheme, netloc, rest = found.groups()
    return urlsplit(rest)._replace(scheme=scheme, netloc=netloc)


def _single(url: str, options: dict[str, Any], _: Address) -> Redis:
    """`redis://`, `rediss://` or `unix://`; what its query says gives way to our options."""
    pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
        url, **_bounds(options["socket_timeout"])
    )
    pool.connection_class = OURS[pool.connection_class]
    pool.connection_kwargs.update(options)
    return Redis.from_pool(pool)


def _pooled(options: dict[str, Any]) -> Redis:
    ours = {"connection_class": TcpConnection, **_bounds(options["socket_timeout"]), **options}
    return Redis.from_pool(BlockingConnectionPool(**ours))


def _bounds(timeout_s: float) -> dict[str, Any]:
    """Return what keeps a pool small, prompt and deaf.

    A server could tell the library to wait ten times as long or to go to another host; and a
    library that listens for that takes connections for fresh that have a reply outstanding.
    """
    deaf = MaintNotificationsConfig(enabled=False)
    return {
        "max_connections": CONNECTIONS,
        "timeout": timeout_s,
        "maint_notifications_config": deaf,
    }


def _node(options: dict[str, Any], address: Address) -> Redis:
    """Return the client of one node of `redis+cluster://[user:password@]host:port,…`."""
    return _pooled({"host": address[0], "port": address[1], **options})


def _sentinel(parts: SplitResult, options: dict[str, Any]) -> Connect:
    """`redis+sentinel://[user:password@]host:port,…/name[/db][?sentinel_password=…]`."""
    name, _, database = parts.path.strip("/").partition("/")
    if not name:
        raise _bad("name the master after the sentinels: redis+sentinel://host:port/name")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    connect = partial(_node, options | {"password": query.get("sentinel_password")})
    sentinels = Sentinels(_hosts(parts, _SENTINEL_PORT), name, connect)
    found = {"connection_class": MasterConnection, "sentinels": sentinels}
    pooled = options | found | {"db": int(database or 0)} | _credentials(parts)
    return lambda _: _pooled(pooled)


def _credentials(parts: SplitResult) -> dict[str, Any]:
    user, colon, password = parts.netloc.rpartition("@")[0].partition(":")
    found = {"username": unquote(user), "password": unquote(password) if colon else ""}
    return {name: text for name, text in found.items() if text}


def _hosts(parts: SplitResult, port: int) -> list[Address]:
    hosts = []
    for text in parts.netloc.rpartition("@")[2].split(","):
        address = urlsplit(f"//{text}")
        if not address.hostname:
            raise _bad("list the hosts as host:port, with commas between")
        hosts.append((address.hostname, address.port or port))
    return hosts


def _bad(what: str) -> BadConfiguration:
    return BadConfiguration((Problem("settings", 0, "--redis-url", what),))
