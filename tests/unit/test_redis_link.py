"""What an address means to the link: who is asked where, as whom, and never twice."""

from typing import Any

import pytest
from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.exceptions import ClusterDownError
from redis.exceptions import ConnectionError as NotThere

from service.adapters.redis_address import CONNECTIONS
from service.adapters.redis_connections import MasterConnection
from service.adapters.redis_link import RedisLink
from service.adapters.redis_places import Slots
from service.domain.errors import BadConfiguration

SECRET = "hun/t@r:2 é"
WRITTEN = "hun%2Ft%40r%3A2%20%C3%A9"
NODES = {("10.0.0.1", 7_000), ("10.0.0.2", 6_379), ("::1", 7_001)}


def client(url: str) -> Redis:
    """Return the client that an address leads to; a Cluster's first node, unasked."""
    link = RedisLink(url, timeout_s=0.25)
    return link._client(link._seeds[0] if link._seeds else ("", 0))


def options(url: str) -> dict[str, Any]:
    """Return how it connects."""
    return client(url).connection_pool.connection_kwargs


def made(pool: ConnectionPool) -> Any:
    """Return a connection that has not connected yet."""
    return pool.make_connection()  # type: ignore[no-untyped-call]  # the library's


EVERY_SCHEME = [
    "redis://10.0.0.1",
    "rediss://10.0.0.1:6380/2",
    "unix:///run/redis.sock?db=3",
    "redis+sentinel://10.0.0.1,10.0.0.2:26380/main/4",
    "redis+cluster://10.0.0.1:7000,10.0.0.2",
]


@pytest.mark.parametrize("url", EVERY_SCHEME)
def test_no_client_repeats_anything_or_waits_for_long_or_makes_connections_without_end(
    url: str,
) -> None:
    pool = client(url).connection_pool
    assert isinstance(pool, BlockingConnectionPool)
    assert (pool.max_connections, pool.timeout) == (CONNECTIONS, 0.25)
    connection = made(pool)
    assert connection.retry.get_retries() == 0
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (0.25, 0.25)


@pytest.mark.parametrize("url", EVERY_SCHEME)
def test_no_server_tells_a_client_to_wait_longer_or_to_go_elsewhere(url: str) -> None:
    pool = client(url).connection_pool
    assert not pool.maint_notifications_enabled()  # type: ignore[no-untyped-call]  # the library's


def test_what_the_query_of_an_address_asks_for_does_not_loosen_that() -> None:
    found = options("redis://r?socket_timeout=60&socket_connect_timeout=60&decode_responses=yes")
    assert (found["socket_timeout"], found["socket_connect_timeout"]) == (0.25, 0.25)
    assert found["decode_responses"] is False


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (EVERY_SCHEME[0], {"host": "10.0.0.1"}),
        (EVERY_SCHEME[1], {"host": "10.0.0.1", "port": 6380, "db": 2}),
        (EVERY_SCHEME[2], {"path": "/run/redis.sock", "db": 3}),
        (EVERY_SCHEME[3], {"db": 4}),
        (EVERY_SCHEME[4], {"host": "10.0.0.1", "port": 7000}),
    ],
)
def test_each_scheme_leads_where_it_says(url: str, expected: dict[str, Any]) -> None:
    assert expected.items() <= options(url).items()


@pytest.mark.parametrize(
    "url",
    [
        "redis://{}@10.0.0.1",
        "rediss://{}@10.0.0.1",
        "unix://{}@/run/redis.sock",
        "redis+sentinel://{}@10.0.0.1,10.0.0.2/main",
        "redis+cluster://{}@10.0.0.1,10.0.0.2",
    ],
)
def test_credentials_are_read_as_addresses_write_them(url: str) -> None:
    found = options(url.format(f"desk%40news:{WRITTEN}"))
    assert (found["username"], found["password"]) == ("desk@news", SECRET)
    found = options(url.format(f":{WRITTEN}"))
    assert (found.get("username"), found["password"]) == (None, SECRET)
    assert "password" not in options(url.replace("{}@", ""))


def test_sentinels_are_asked_with_a_password_of_their_own() -> None:
    url = f"redis+sentinel://:{WRITTEN}@10.0.0.1:1,10.0.0.2/main?sentinel_password=other"
    pool = client(url).connection_pool
    connection = made(pool)
    assert isinstance(connection, MasterConnection)
    sentinels = connection._sentinels
    assert sentinels._addresses == [("10.0.0.1", 1), ("10.0.0.2", 26_379)]
    asked = sentinels._connect(("10.0.0.1", 1)).connection_pool.connection_kwargs
    assert (asked["host"], asked["port"], asked["password"]) == ("10.0.0.1", 1, "other")
    assert pool.connection_kwargs["password"] == SECRET


def test_a_cluster_is_asked_at_every_node_that_is_named() -> None:
    link = RedisLink("redis+cluster://10.0.0.1:7000,10.0.0.2,[::1]:7001", timeout_s=1)
    assert link._nodes == NODES


@pytest.mark.parametrize(
    "url",
    [
        "redis://:{}@10.0.0.1:port/0",
        "redis://:{}@10.0.0.1:99999/0",
        "redis://[:{}@10.0.0.1/0",
        "redis+other://:{}@10.0.0.1",
        "unix://:{}@/run/redis.sock?db=three",
        "redis+sentinel://:{}@10.0.0.1:26379",
        "redis+sentinel://:{}@10.0.0.1/main/three",
        "redis+sentinel://:{}@10.0.0.1:port/main",
        "redis+sentinel://:{}@,/main",
        "redis+cluster://:{}@",
        "redis+cluster://:{}@10.0.0.1,,10.0.0.2",
        "redis+cluster://:{}@10.0.0.1:99999",
    ],
)
@pytest.mark.parametrize("password", ["hunter2", "hunter2/7", "7#hunter2", "a?hunter2@"])
def test_an_unusable_address_names_the_flag_and_never_shows_the_password(
    url: str, password: str
) -> None:
    with pytest.raises(BadConfiguration) as caught:
        RedisLink(url.format(password), timeout_s=1)
    (problem,) = caught.value.problems
    assert problem.field == "--redis-url"
    assert "hunter2" not in str(caught.value)
    assert "10.0.0" not in problem.message, "what stands where a host should may be a password"


@pytest.mark.parametrize(
    "url", ["redis+sentinel://127.0.0.1:1/main", "redis+cluster://127.0.0.1:1"]
)
async def test_nobody_at_home_is_an_error_like_any_other(url: str) -> None:
    link = RedisLink(url, timeout_s=1)
    with pytest.raises(NotThere):
        async with link.borrow("hb:{00}:applied") as lent:
            await lent.ping()
    await link.close()


def test_a_slot_belongs_to_the_range_it_is_in_or_to_nobody() -> None:
    nodes = [("a", 1), ("b", 2)]
    slots = Slots([99, 16_383], [0, 10_000], nodes, frozenset(nodes))
    assert slots.owner("{06S}") == ("a", 1)  # slot 0
    assert slots.owner("hb:{00}:applied") == ("b", 2)  # slot 13,122
    with pytest.raises(ClusterDownError):
        slots.owner("hb:{03}:applied")  # slot 933
