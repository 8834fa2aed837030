"""Redis as the benchmark sees it: what it was asked, and how to stop it for a while; writes none.

A round trip is a command that came over a connection; what the script calls inside is none.
"""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis import Redis

from service.adapters.redis_applier import SCRIPT

INSIDE = frozenset(word.lower().decode() for word in re.findall(rb"'([A-Z]{3,})'", SCRIPT))
_OURS = frozenset({"info", "hello", "client|setinfo"})
_CALLS = "cmdstat_"


@dataclass(frozen=True, slots=True)
class RedisSide:
    """The engine at an address, on this machine."""

    url: str

    def round_trips(self) -> int:
        """Return how many commands came over connections so far, pipelined ones one by one."""
        return sum(
            int(figures["calls"])
            for name, figures in self._info("commandstats").items()
            if name.removeprefix(_CALLS) not in INSIDE | _OURS
        )

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop its process until the block ends: connections stay open and nothing answers."""
        pid = self._info("server")["process_id"]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def _info(self, section: str) -> Any:
        with Redis.from_url(self.url) as client:
            return client.info(section)
