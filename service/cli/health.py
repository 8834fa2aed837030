"""`health`: asks a running service whether it is ready, as the image's health check does."""

import os
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException

from service.cli.words import say
from service.settings.reading import read_settings

TIMEOUT_S = 3
_OK = 200


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print what /readyz answers; 69 (unavailable) unless it is ready."""
    address = read_settings(arguments, environ).internal
    host = "127.0.0.1" if address.wildcard else address.host
    connection = HTTPConnection(host, address.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        say(response.read().decode())
    except (OSError, HTTPException) as error:
        say(f"nothing answers at {host}:{address.port}: {error}", error=True)
        return os.EX_UNAVAILABLE
    finally:
        connection.close()
    return os.EX_OK if response.status == _OK else os.EX_UNAVAILABLE
