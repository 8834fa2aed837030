"""What a request says of its reader, as far as the flows may know; trusts no proxy unasked."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import web

from service.domain.audience import UNKNOWN, Platform
from service.domain.plans import Plan
from service.flows.pages import Audience
from service.flows.ports import Agents
from service.flows.record import Reader
from service.web.keys import SERVICES

Address = IPv4Address | IPv6Address
_HOPS_MAX = 10
_PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_PREFETCH_WORDS = ("prefetch", "prerender", "preview")


def reader_of(agents: Agents, headers: Mapping[str, str]) -> Reader:
    """Return agent, prefetch and origin (Origin, or else Referer's) of a browser's request."""
    agent = agents.identify(user_agent(headers), headers)
    return Reader(agent, _prefetches(headers), _origin(headers))


def audience_of(request: web.Request, plan: Plan, *, touch: bool) -> Audience:
    """Return what a decision may know of the reader whose browser asks."""
    headers = request.headers
    agent = request.app[SERVICES].agents.identify(user_agent(headers), headers)
    country = _country(request) if plan.index.asks_country else UNKNOWN
    return Audience(agent.platform_with(touch=touch), country, _private(headers))


def audience_behind(request: web.Request, plan: Plan, *, touch: bool) -> Audience:
    """Return the same of the reader for whom a page's server asks.

    Unless a trusted proxy passes on who reads, agent and address are that server's own: nobody's.
    """
    if _proxied(request, _peer(request)):
        return audience_of(request, plan, touch=touch)
    return Audience(Platform.UNKNOWN, UNKNOWN, _private(request.headers))


def _private(headers: Mapping[str, str]) -> bool:
    # Whoever says so is believed: it only ever asks for less.
    return headers.get("Sec-GPC") == "1" or headers.get("DNT") == "1"


def _country(request: web.Request) -> str:
    """Return the reader's country: a trusted proxy's word, else by address; `zz` if unknown."""
    services, peer = request.app[SERVICES], _peer(request)
    if not _proxied(request, peer):
        return services.locate(str(peer)) if peer else UNKNOWN
    if services.country_header:
        code = request.headers.get(services.country_header, "").strip().lower()
        if code:  # proxies write XX, or T1, of readers whose country is not to be known
            return code if code in services.countries else UNKNOWN
    return services.locate(_forwarded_for(request))


def _peer(request: web.Request) -> Address | None:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return _address(peer[0]) if peer else None


def _proxied(request: web.Request, peer: Address | None) -> bool:
    networks = request.app[SERVICES].trusted_proxies
    return peer is not None and any(peer in network for network in networks)


def _forwarded_for(request: web.Request) -> str:
    """Return the right-most address of X-Forwarded-For that is no proxy of ours."""
    networks = request.app[SERVICES].trusted_proxies
    texts = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    for text in reversed(texts[-_HOPS_MAX:]):
        try:
            address = _address(text.strip())
        except ValueError:
            return ""
        if not any(address in network for network in networks):
            return str(address)
    return ""


def _address(text: str) -> Address:
    address = ip_address(text.partition("%")[0])
    # On a socket of both families IPv4 peers are written as IPv6; networks are not.
    return getattr(address, "ipv4_mapped", None) or address


def user_agent(headers: Mapping[str, str]) -> str:
    """Return the agent's name for itself; bytes that aiohttp could not decode become `?`."""
    text = headers.get("User-Agent", "")
    # No list of agents takes half characters, and a browser sends ASCII: looked at first, as cheap.
    return text if text.isascii() else text.encode(errors="replace").decode()


def _prefetches(headers: Mapping[str, str]) -> bool:
    for name in _PREFETCH_HEADERS:
        if name in headers:
            purpose = headers[name].lower()
            if any(word in purpose for word in _PREFETCH_WORDS):
                return True
    return False


def _origin(headers: Mapping[str, str]) -> str | None:
    origin = headers.get("Origin")
    if origin is not None:
        return origin
    referer = headers.get("Referer")
    if not referer:
        return None
    scheme, separator, rest = referer.partition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}".lower()
