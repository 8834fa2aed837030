"""Countries of addresses from the operator's own file in MaxMind's format; stores no address.

Read by the extra `geo`, once, at the start: a new file is taken at the next one.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from service.adapters.catalog_countries import country_codes
from service.domain.errors import BadConfiguration, Problem

PROBED = 10_000  # networks of a family, of which one has a country if any has
_FIRST = (IPv4Address("0.0.0.0"), IPv6Address("2000::"))  # noqa: S104  nothing listens on it
_MISSING = "install the extra geo (requirements/geo.lock): the package maxminddb is not here"
_UNREADABLE = "give a file that the service may read"
_BROKEN = "give a whole file in MaxMind's format (.mmdb); this one is none, or damaged"
_NO_COUNTRIES = "give a database of countries; none of this one's networks has any"


def open_country_database(path: Path) -> Callable[[str], str | None]:
    """Return what tells an address's country, two letters in lower case, None where it knows none.

    Never raises once it is open; raises `BadConfiguration` for a file that tells no countries.
    """
    try:
        import maxminddb  # noqa: PLC0415  an extra, which few need
    except ImportError:
        raise _refused(_MISSING) from None
    try:
        # Of a copy that has no name: whoever writes over the file pulls nothing from under it.
        with path.open("rb") as file, NamedTemporaryFile(suffix=".mmdb") as copy:
            shutil.copyfileobj(file, copy)
            copy.flush()
            database = maxminddb.open_database(copy.name)
        known = any(_country(record) for record in _records(database))
    except OSError:
        raise _refused(_UNREADABLE) from None
    except Exception:  # noqa: BLE001  a damaged file brings up whatever it likes
        raise _refused(_BROKEN) from None
    if not known:
        raise _refused(_NO_COUNTRIES)

    def country(address: str) -> str | None:
        with suppress(Exception):  # the same later: a reader does not pay for it
            return _country(database.get(address))
        return None

    return country


def _records(database: Any) -> Iterator[Any]:
    """Yield the records of the first networks.

    By look-ups: the package's own iteration ends the process where a file is damaged.
    """
    for first in _FIRST:
        if first.version > database.metadata().ip_version:
            return
        at, bits = int(first), first.max_prefixlen
        for _ in range(PROBED):
            record, length = database.get_with_prefix_len(type(first)(at))
            yield record
            at = ((at >> bits - length) + 1) << bits - length
            if at >> bits:
                break


def _refused(message: str) -> BadConfiguration:
    return BadConfiguration((Problem("settings", 0, "--country-db", message),))


def _country(record: Any) -> str | None:
    """Return the country of a network's record, as the common databases write it."""
    if not isinstance(record, dict):
        return None
    for value in _written(record):
        if isinstance(value, str) and value.lower() in country_codes():
            return value.lower()
    return None


def _written(record: dict[str, Any]) -> Iterator[Any]:
    """Yield what may be the code: where the reader is, before where the network is registered."""
    country, registered = record.get("country"), record.get("registered_country")
    yield country.get("iso_code") if isinstance(country, dict) else country
    yield record.get("country_code")
    yield registered.get("iso_code") if isinstance(registered, dict) else None
