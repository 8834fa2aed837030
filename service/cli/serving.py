"""`serve`: runs the service until it is asked to stop."""

from collections.abc import Mapping, Sequence

from service.app import serve
from service.settings.reading import read_settings


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the service."""
    return serve(read_settings(arguments, environ))
