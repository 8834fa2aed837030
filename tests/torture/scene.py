"""Services over one Redis with readers before them, taken apart and put together by tests."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from service.adapters.engine_program import tied_to_parent
from service.adapters.key_file import create_key_file
from tests.serving import Serving, serving
from tests.torture.ledger import Load, Pace
from tests.torture.oracle import Account, audit

SETTLE_S = 60.0


class Scene:
    """The service processes that live, and the load that is on them.

    `redis_url` None lets the one service run its own engine.
    """

    def __init__(self, home: Path, redis_url: str | None, stack: AsyncExitStack) -> None:
        self.home = home
        self.services: list[Serving] = []
        self.load: Load
        self._redis_url = redis_url
        self._stack = stack

    @property
    def keys(self) -> Path:
        """The key file that all services share."""
        return self.home / "keys"

    @property
    def redis_url(self) -> str:
        """The address of the counts, of the embedded engine of the moment where it is that."""
        if self._redis_url is not None:
            return self._redis_url
        return f"unix://{(self.home / 'data/redis/engine.lock').read_text().strip()}"

    async def serve(self, data: str = "data", *flags: str) -> Serving:
        """Start a service over a data directory, and let readers come to it too."""
        redis = ("--redis-url", self._redis_url) if self._redis_url is not None else ()
        service = await self._stack.enter_async_context(
            serving(
                self.home / data, "--keys", str(self.keys), *redis, *flags,
                prefix=tied_to_parent(()),  # a killed run leaves none behind
            )
        )  # fmt: skip
        self.services.append(service)
        self._tell()
        return service

    async def kill(self, service: Serving) -> None:
        """Crash a service; readers go where others are, and wait where none is."""
        service.kill()
        await service.process.wait()
        self._gone(service)

    async def stop(self, service: Serving) -> int:
        """Stop a service as an orchestrator does, once readers go elsewhere; return its code."""
        self._gone(service)
        return await service.stop()

    async def account(self, wait_s: float = SETTLE_S) -> Account:
        """Settle the load, wait for the journals, and compare."""
        await self.load.settle(wait_s)
        internals = [service.internal for service in self.services]
        return await audit(self.load, *internals, redis_url=self.redis_url, wait_s=wait_s)

    async def all_counted(self, wait_s: float = SETTLE_S) -> Account:
        """Return the account, which must be sound."""
        account = await self.account(wait_s)
        assert account.sound, account
        return account

    async def nobody_noticed(self) -> Account:
        """Return the account, which must be sound, while no reader ever met an error."""
        assert not self.load.told.errors, self.load.told.errors
        return await self.all_counted()

    def _gone(self, service: Serving) -> None:
        self.services.remove(service)
        self._tell()

    def _tell(self) -> None:
        self.load.move_to(*(service.public for service in self.services))


@asynccontextmanager
async def scene(
    home: Path, redis_url: str | None, *, services: int = 1, pace: Pace | None = None
) -> AsyncIterator[Scene]:
    """Run services (of data directories `data`, `data1`, …) and readers until the block ends."""
    create_key_file(home / "keys")
    async with AsyncExitStack() as stack:
        made = Scene(home, redis_url, stack)
        made.load = await stack.enter_async_context(Load(made.keys, pace=pace or Pace()))
        for number in range(services):
            await made.serve(f"data{number or ''}")
        yield made
