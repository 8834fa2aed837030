"""Readers by the thousand over HTTP, and a ledger of what they were told; judges nothing.

Every beacon that got no answer is sent again until it gets one, and a fifth of those that did
too, later, wherever the service then is. What it all should come to is for `oracle` to say.

    async with Load(keys, service.public) as load:
        await load.offer(10_000)            # new events at the pace's rate
        async with load.flowing():          # or: new events while the block does its worst
            ...
        await load.settle()                 # everything answered, repeats too
    account = await audit(load, service.internal, redis_url=url)
    assert account.sound, account
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, TCPConnector

from tests.example import ARTICLE, SITE
from tests.torture.pages import (
    BOTTOM,
    TOP,
    Beacon,
    Page,
    beacons_of,
    decided,
    mint,
    redirects_of,
)

HEADERS = {
    "Content-Type": "text/plain",
    "Origin": "https://news.example",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/146.0.0.0 Safari/537.36",
}
REDIRECT_WAIT_S = 0.25  # the service sends a reader on after that, acknowledged or not
WAIT_S = 60.0
AGAIN_S = (0.1, 0.5)  # after no answer
DECISION = (
    f"/v1/decision?site={SITE.id}&url={quote(ARTICLE.url, safe='')}&placements={TOP},{BOTTOM}"
)


@dataclass(frozen=True, slots=True)
class Pace:
    """What the readers do: new events a second over so many connections, and fractions.

    `decided` of the pages come from real decisions, the others are minted; on `redirected` of
    them the ad is clicked and the article shared. `everywhere` sends each beacon to all addresses
    in parallel. Where the journal may refuse events, a redirect proves nothing: `trust_redirects`.
    """

    rate: float = 1_000.0
    connections: int = 32
    decided: float = 0.1
    redirected: float = 0.2
    repeated: float = 0.2
    repeat_within_s: float = 3.0
    timeout_s: float = 30.0
    everywhere: bool = False
    trust_redirects: bool = True


@dataclass
class Told:
    """Sums over all sendings, by kind, so repeats count again; `errors` by status or failure."""

    acked: Counter[str] = field(default_factory=Counter)
    maybe: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)


class Load:
    """Readers at a pace; `pages` is the ledger, `told` its sums, `offered` counts new events."""

    def __init__(
        self, keys: Path, *addresses: str, pace: Pace | None = None, seed: int = 0
    ) -> None:
        self.pace = pace or Pace()
        self.pages: list[Page] = []
        self.told = Told()
        self.offered = 0
        self._minted = mint(keys)
        self._addresses = addresses
        self._random = random.Random(seed)
        self._queue: asyncio.Queue[tuple[Beacon, bool]] = asyncio.Queue()
        self._owed = 0
        self._settled = asyncio.Event()
        self._settled.set()
        self._room = asyncio.Semaphore(4 * self.pace.connections)

    async def __aenter__(self) -> "Load":
        self._session = ClientSession(
            connector=TCPConnector(limit=0),
            timeout=ClientTimeout(total=self.pace.timeout_s),
            headers=HEADERS,
        )
        self._session._retry_connection = False  # a client that repeats by itself keeps no ledger
        self._workers = [asyncio.create_task(self._work()) for _ in range(self.pace.connections)]
        return self

    async def __aexit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.cancel()
        ends = await asyncio.gather(*self._workers, return_exceptions=True)
        await self._session.close()
        for end in ends:
            if isinstance(end, Exception) and error[0] is None:
                raise end

    @property
    def acked(self) -> int:
        """How many different events were acknowledged."""
        return sum(page.acked.bit_count() for page in self.pages)

    def move_to(self, *addresses: str) -> None:
        """Send everything to these addresses from now on; with none, wait until there are some."""
        self._addresses = addresses

    async def offer(self, events: int) -> None:
        """Report so many new events at the pace's rate; return when the last one is on its way."""
        loop = asyncio.get_running_loop()
        due, wanted = loop.time(), self.offered + events
        while self.offered < wanted:
            for beacon in await self._visit():
                await self._room.acquire()
                self._owe(beacon, beacon.after_s, new=True)
                self.offered += len(beacon.deeds)
                due = max(due, loop.time() - 0.5) + len(beacon.deeds) / self.pace.rate
                if due > loop.time():
                    await asyncio.sleep(due - loop.time())

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Report new events at the pace's rate until the block ends."""
        flow = asyncio.create_task(self.offer(1 << 40))
        try:
            yield
            if flow.done():
                flow.result()
        finally:
            flow.cancel()
            with suppress(asyncio.CancelledError):
                await flow

    async def more(self, events: int) -> None:
        """Wait until so many more events are acknowledged, repetitions among them."""
        wanted = self.told.acked.total() + events
        async with asyncio.timeout(WAIT_S):
            while self.told.acked.total() < wanted:
                await asyncio.sleep(0.01)

    async def settle(self, timeout_s: float = WAIT_S) -> None:
        """Wait until every beacon has its answer and every repetition was made."""
        await asyncio.wait_for(self._settled.wait(), timeout_s)

    async def _visit(self) -> list[Beacon]:
        page = await self._decision() if self._chance(self.pace.decided) else None
        page = page or next(self._minted)
        self.pages.append(page)
        beacons = beacons_of(page)
        if self._chance(self.pace.redirected):
            beacons += redirects_of(page, self._random.choice(SITE.share))
        return beacons

    async def _decision(self) -> Page | None:
        for address in self._chosen()[:1]:
            try:
                async with self._session.get(f"{address}{DECISION}") as answer:
                    if answer.status == 200:
                        return decided(await answer.json())
                    self.told.errors[f"decision {answer.status}"] += 1
            except (ClientError, OSError) as error:
                self.told.errors[f"decision {type(error).__name__}"] += 1
        return None

    def _owe(self, beacon: Beacon, after_s: float, *, new: bool = False) -> None:
        self._owed += 1
        self._settled.clear()
        asyncio.get_running_loop().call_later(after_s, self._queue.put_nowait, (beacon, new))

    async def _work(self) -> None:
        while True:
            beacon, new = await self._queue.get()
            addresses = self._chosen()
            if addresses:
                await asyncio.gather(*(self._send(beacon, at, new=new) for at in addresses))
            else:
                self._owe(beacon, AGAIN_S[0])
            if new:
                self._room.release()
            self._owed -= 1
            if not self._owed:
                self._settled.set()

    def _chosen(self) -> tuple[str, ...]:
        if self.pace.everywhere or not self._addresses:
            return self._addresses
        return (self._random.choice(self._addresses),)

    async def _send(self, beacon: Beacon, address: str, *, new: bool) -> None:
        page, mask, kinds = beacon.page, beacon.mask, beacon.kinds
        page.offered |= mask
        try:
            acknowledged = await self._ask(beacon, address)
        except (ClientError, OSError) as error:
            page.maybe |= mask
            self.told.maybe.update(kinds)
            self.told.errors[f"beacon {type(error).__name__}"] += 1
            if isinstance(error, ClientConnectorError):
                await asyncio.sleep(AGAIN_S[0])  # nobody there: no need to hurry
            self._owe(beacon, self._random.uniform(*AGAIN_S))
            return
        told = self.told
        {True: told.acked, False: told.maybe, None: told.refused}[acknowledged].update(kinds)
        if not acknowledged:
            page.maybe |= mask
            return
        page.acked |= mask
        if new and self._chance(self.pace.repeated):
            self._owe(beacon, self._random.uniform(0, self.pace.repeat_within_s))

    async def _ask(self, beacon: Beacon, address: str) -> bool | None:
        """Return whether the answer acknowledges the beacon, None if it refuses it."""
        began = asyncio.get_running_loop().time()
        method = "GET" if beacon.body is None else "POST"
        url = f"{address}{beacon.path}"
        async with self._session.request(
            method, url, data=beacon.body, allow_redirects=False
        ) as answer:
            took_s = asyncio.get_running_loop().time() - began
        if method == "GET" and answer.status == 302:
            return took_s < REDIRECT_WAIT_S and self.pace.trust_redirects
        if answer.status in {204, 503}:
            return True if answer.status == 204 else None
        self.told.errors[f"beacon {answer.status}"] += 1
        return False

    def _chance(self, of: float) -> bool:
        return self._random.random() < of
