"""Which settings there are, and their texts: flags over environment over defaults; judges none."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Flag:
    name: str
    default: str
    text: str

    @property
    def variable(self) -> str:
        return "HANDBILL_" + self.name.upper().replace("-", "_")


FLAGS = (
    _Flag("config", "config", "directory of what a publisher edits"),
    _Flag("data", "var", "directory of the journal, the keys and the embedded engine"),
    _Flag("keys", "", "file of the token keys (default: <data>/keys)"),
    _Flag("public", "127.0.0.1:8080", "host:port that readers reach"),
    _Flag("internal", "127.0.0.1:8081", "host:port for ops and marketing"),
    _Flag("public-url", "", "address that links are built from (default: http://<public>)"),
    _Flag("redis-url", "", "redis://, rediss://, unix://, redis+sentinel://, redis+cluster://"),
    _Flag("embedded", "auto", "auto: start an engine when no Redis is given; never: refuse"),
    _Flag("embedded-bin", "", "a redis-server or valkey-server to embed instead of the wheel's"),
    _Flag("report-auth", "", "user:password that reports ask for"),
    _Flag("trusted-proxies", "", "networks (CIDR, commas) whose forwarded headers count"),
    _Flag("country-header", "", "header in which a trusted proxy names the reader's country"),
    _Flag("country-db", "", "file of countries by address (.mmdb); needs the extra geo"),
    _Flag("journal-max", "1GiB", "most that the journal may hold (bytes, KiB, MiB, GiB)"),
    _Flag("grace", "0", "seconds to go on serving after SIGTERM"),
    _Flag("demo", "", "show the example article at /demo (default: with the embedded engine)"),
    _Flag("log", "", "json or text (default: text on a terminal)"),
)


def given_values(arguments: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the text of every setting by name."""
    parser = argparse.ArgumentParser(prog="handbill serve", allow_abbrev=False)
    for flag in FLAGS:
        text = f"{flag.text} [{flag.variable}]"
        if flag.name == "demo":
            parser.add_argument("--demo", action=argparse.BooleanOptionalAction, help=text)
        else:
            parser.add_argument(f"--{flag.name}", help=text, metavar="VALUE")
    given = vars(parser.parse_args(arguments))
    values = {flag.name: environ.get(flag.variable, "") or flag.default for flag in FLAGS}
    values |= {
        name.replace("_", "-"): str(value) for name, value in given.items() if value is not None
    }
    return values
