"""Countries of addresses, from the registries' own allocations; stores and logs no address.

What a block is registered in, not where its user is: good for countries, never for places.
"""

import iptocc

from service.adapters.catalog_countries import country_codes
from service.domain.audience import UNKNOWN


def countries() -> frozenset[str]:
    """Return what a reader's country may be: ISO 3166 and `zz`, in lower case."""
    return country_codes() | {UNKNOWN}


def locate(address: str) -> str:
    """Return the country of an address, two letters in lower case; `zz` where there is none."""
    try:
        code = iptocc.country_code(address)
    except ValueError:
        return UNKNOWN
    country = (code or UNKNOWN).lower()
    return country if country in country_codes() else UNKNOWN
