"""Turns settings' texts into values, every problem at once; reads no files."""

import re
import sys
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from service.domain.errors import BadConfiguration, Problem
from service.settings.flags import given_values
from service.settings.values import Address, Settings

REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster")
_UNITS = {"": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_SIZE_MIN = 1 << 20
_ON, _OFF = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
_ADDRESS = re.compile(r"\[?([\w.:%-]*)\]?:([0-9]{1,5})", re.ASCII)
_PORT_MAX = 65_535
# Links and redirects begin with it, and browsers compare it with Origin: nothing odd in it.
_PUBLIC_URL = re.compile(
    r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?(?:/[\w.~%/-]*)?", re.ASCII
)
_SIZE = re.compile(r"([0-9]{1,15}) *(|[kmg]ib)", re.ASCII | re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,3})?")


def read_settings(arguments: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Return the settings of flags over environment over defaults; raises every problem at once."""
    return _Reader(given_values(arguments, environ)).settings()


class _Reader:
    """Reads texts into values and keeps every problem for one report."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._problems: list[Problem] = []

    def settings(self) -> Settings:
        text = self._values
        data = Path(text["data"])
        settings = Settings(
            config=Path(text["config"]),
            data=data,
            keys=Path(text["keys"]) if text["keys"] else data / "keys",
            public=self._address("public"),
            internal=self._address("internal"),
            public_url=self._public_url(),
            redis_url=self._redis_url(),
            embedded=self._one_of("embedded", ("auto", "never")) != "never",
            embedded_bin=Path(text["embedded-bin"]) if text["embedded-bin"] else None,
            report_auth=text["report-auth"] or None,
            trusted_proxies=self._networks("trusted-proxies"),
            country_header=text["country-header"] or None,
            country_db=Path(text["country-db"]) if text["country-db"] else None,
            journal_max_bytes=self._bytes("journal-max"),
            grace_s=self._seconds("grace"),
            demo=self._switch("demo", default=not text["redis-url"]),
            log=self._log(),
        )
        self._check(settings)
        if self._problems:
            raise BadConfiguration(tuple(self._problems))
        return settings

    def _check(self, settings: Settings) -> None:
        if settings.public.wildcard and settings.public_url is None:
            self._refuse("public-url", "give the address readers use; a wildcard bind has none")
        if not settings.internal.loopback and settings.report_auth is None:
            self._refuse("report-auth", "give user:password; the internal listener is not local")
        if settings.report_auth is not None and not all(settings.report_auth.partition(":")):
            self._refuse("report-auth", "write it as user:password")
        if settings.public == settings.internal and settings.public.port:
            self._refuse("internal", "give it another port than the public listener")
        if settings.redis_url is None and not settings.embedded:
            self._refuse("redis-url", "give a Redis, or let one be embedded: --embedded auto")

    def _refuse(self, name: str, message: str) -> None:
        self._problems.append(Problem("settings", 0, f"--{name}", message))

    def _address(self, name: str) -> Address:
        match = _ADDRESS.fullmatch(self._values[name])
        if not match or int(match[2]) > _PORT_MAX:
            self._refuse(name, "write it as host:port, such as 127.0.0.1:8080")
            return Address("127.0.0.1", 0)
        return Address(match[1], int(match[2]))

    def _public_url(self) -> str | None:
        if not self._values["public-url"]:
            return None
        url = self._values["public-url"].rstrip("/")
        if not _PUBLIC_URL.fullmatch(url):
            self._refuse("public-url", "write it as https://host/path, the host in lower case")
        return url

    def _redis_url(self) -> str | None:
        url = self._values["redis-url"]
        if not url:
            return None
        if url.partition("://")[0] not in REDIS_SCHEMES or "://" not in url:
            self._refuse("redis-url", f"start it with one of {', '.join(REDIS_SCHEMES)}://")
        return url

    def _one_of(self, name: str, words: tuple[str, ...]) -> str:
        if self._values[name] not in words:
            self._refuse(name, f"give one of: {', '.join(words)}")
        return self._values[name]

    def _networks(self, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
        try:
            networks = tuple(
                ip_network(text.strip()) for text in self._values[name].split(",") if text.strip()
            )
        except ValueError:
            self._refuse(name, "write networks as CIDR, such as 10.0.0.0/8, with commas between")
            return ()
        if any(network.prefixlen == 0 for network in networks):
            self._refuse(name, "name your proxies; everybody is nobody to trust")
        return networks

    def _bytes(self, name: str) -> int:
        match = _SIZE.fullmatch(self._values[name].strip())
        size = int(match[1]) * _UNITS[match[2].lower()] if match else 0
        if size < _SIZE_MIN:
            self._refuse(name, "give 1MiB or more, such as 512MiB")
        return size

    def _seconds(self, name: str) -> float:
        text = self._values[name]
        if not _SECONDS.fullmatch(text):
            self._refuse(name, "give seconds, such as 10")
            return 0
        return float(text)

    def _switch(self, name: str, *, default: bool) -> bool:
        text = self._values[name].lower()
        if text and text not in _ON | _OFF:
            self._refuse(name, "say on or off")
        return text in _ON if text else default

    def _log(self) -> str:
        style = self._values["log"] or ("text" if sys.stderr.isatty() else "json")
        if style not in {"json", "text"}:
            self._refuse("log", "give json or text")
        return style
