"""Country codes of ISO 3166, as the time zone package lists them; names no country itself."""

from functools import cache
from importlib.resources import files

from service.domain.audience import UNKNOWN


@cache
def country_codes() -> frozenset[str]:
    """Return all two-letter codes in lower case."""
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    lines = (line for line in table.splitlines() if line and not line.startswith("#"))
    return frozenset(line.partition("\t")[0].lower() for line in lines)


def check_country(value: str) -> str:
    """Return a code in lower case, or raise `ValueError` with what would be right."""
    code = value.lower()
    if code not in country_codes() and code != UNKNOWN:
        hint = " (the United Kingdom is GB)" if code == "uk" else ""
        raise ValueError(f"write a code of ISO 3166 like DE, not {value[:20]!r}{hint}")
    return code
