"""Countries of addresses, from the registries' own allocations; stores and logs no address.

What a block is registered in, not where its user is: good for countries, never for places.
"""

import iptocc

from service.domain.audience import UNKNOWN


def locate(address: str) -> str:
    """Return the country of an address, two letters in lower case; `zz` where there is none."""
    try:
        code = iptocc.country_code(address)
    except ValueError:
        return UNKNOWN
    return code.lower() if code else UNKNOWN
