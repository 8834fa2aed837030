"""Countries of addresses: the operator's database, else the registries; stores no address.

Of a registry: what a block is registered in, not where its user is: for countries, not places.
"""

from collections.abc import Callable
from pathlib import Path

import iptocc

from service.adapters.catalog_countries import country_codes
from service.adapters.country_database import open_country_database
from service.domain.audience import UNKNOWN


def countries() -> frozenset[str]:
    """Return what a reader's country may be: ISO 3166 and `zz`, in lower case."""
    return country_codes() | {UNKNOWN}


def locator(database: Path | None) -> Callable[[str], str]:
    """Return `locate`, or what asks a database first; raises `BadConfiguration` for its file."""
    if database is None:
        return locate
    known = open_country_database(database)
    return lambda address: known(address) or locate(address)


def locate(address: str) -> str:
    """Return the country of an address by the registries; `zz` where there is none."""
    try:
        code = iptocc.country_code(address)
    except ValueError:
        return UNKNOWN
    country = (code or UNKNOWN).lower()
    return country if country in country_codes() else UNKNOWN
