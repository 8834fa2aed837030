"""Connections that fail as the library says, whichever event loop carries them; repeats nothing.

On uvloop a write to what the server has just closed is a RuntimeError, which neither the library
nor its callers take for a server that is away.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)

from service.adapters.redis_places import Sentinels


class _ClosedIsAway(AbstractConnection):
    async def _send_packed_command(self, command: Iterable[bytes]) -> None:
        try:
            await super()._send_packed_command(command)
        except RuntimeError as error:
            raise ConnectionResetError("the server has closed the connection") from error


class TcpConnection(_ClosedIsAway, Connection):
    """Of `redis://`, and of a Cluster's nodes."""


class _TlsConnection(_ClosedIsAway, SSLConnection):
    """Of `rediss://`."""


class _UnixConnection(_ClosedIsAway, UnixDomainSocketConnection):
    """Of `unix://`."""


class MasterConnection(TcpConnection):
    """Asks the sentinels each time it connects, so it never returns to a former master."""

    def __init__(self, *, sentinels: Sentinels, **options: Any) -> None:
        super().__init__(**options)
        self._sentinels = sentinels

    async def _connect(self) -> None:
        self.host, self.port = await self._sentinels.master()
        await super()._connect()  # type: ignore[no-untyped-call]  # the library's


OURS: Mapping[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: TcpConnection,
    SSLConnection: _TlsConnection,
    UnixDomainSocketConnection: _UnixConnection,
}
