"""What a request says of its reader, as far as the flows may know; trusts no proxy unasked."""

from collections.abc import Mapping
from ipaddress import ip_address

from aiohttp import web

from service.domain.audience import Agent, Platform
from service.flows.record import Reader
from service.web.keys import SERVICES

UNKNOWN_AGENT = Agent(Platform.UNKNOWN, bot=False)
_PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_PREFETCH_WORDS = ("prefetch", "prerender", "preview")


def reader_of(request: web.Request) -> Reader:
    """Return agent, prefetch and origin (Origin, or else Referer's) of a browser's request."""
    headers = request.headers
    agent = request.app[SERVICES].agents.identify(user_agent(headers), headers)
    return Reader(agent, _prefetches(request), _origin(request))


def proxied_agent(request: web.Request) -> Agent:
    """Return the reader's agent where a trusted proxy passes it on, else an unknown one."""
    services = request.app[SERVICES]
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not peer or not services.trusted_proxies:
        return UNKNOWN_AGENT
    address = ip_address(peer[0].partition("%")[0])
    # On a socket of both families IPv4 peers are written as IPv6; networks are not.
    address = getattr(address, "ipv4_mapped", None) or address
    if not any(address in network for network in services.trusted_proxies):
        return UNKNOWN_AGENT
    return services.agents.identify(user_agent(request.headers), request.headers)


def user_agent(headers: Mapping[str, str]) -> str:
    """Return the agent's name for itself; bytes that aiohttp could not decode become `?`."""
    text = headers.get("User-Agent", "")
    # No list of agents takes half characters, and a browser sends ASCII: looked at first, as cheap.
    return text if text.isascii() else text.encode(errors="replace").decode()


def _prefetches(request: web.Request) -> bool:
    headers = request.headers
    return any(
        word in headers.get(name, "").lower()
        for name in _PREFETCH_HEADERS
        if name in headers
        for word in _PREFETCH_WORDS
    )


def _origin(request: web.Request) -> str | None:
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin
    referer = request.headers.get("Referer")
    if not referer:
        return None
    scheme, separator, rest = referer.partition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}".lower()
