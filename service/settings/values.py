"""What `serve` is told, as values that are sound as a whole; reads nothing itself."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Address:
    """A host and port to listen on; port 0 lets the system choose."""

    host: str
    port: int

    @property
    def wildcard(self) -> bool:
        """Whether it listens on every interface: as 0.0.0.0, ::, 0 or nothing at all."""
        return not self.host.strip("0.:")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def url(self, port: int | None = None) -> str:
        """Return the http address, with the port that was really bound."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port if port is None else port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, sound as a whole; secrets stay out of the representation."""

    config: Path
    data: Path
    keys: Path
    public: Address
    internal: Address
    public_url: str | None
    redis_url: str | None = field(repr=False)
    embedded: bool
    embedded_bin: Path | None
    report_auth: str | None = field(repr=False)
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    country_header: str | None
    country_db: Path | None
    journal_max_bytes: int
    grace_s: float
    demo: bool
    log: str
