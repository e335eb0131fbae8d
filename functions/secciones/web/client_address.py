"""The network address that a request comes from, which nobody but the platform in front of us can know."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import flask


def client_address(request: flask.Request, position: int) -> str:
    """The address that X-Forwarded-For has at `position`, counted from the end: what comes before it, the client may
    have written. Of IPv6 it is the network, since a client picks the rest anew whenever it likes.

    A request without such an entry did not come the usual way; all of these count as one client.
    """
    entries = request.headers.get("X-Forwarded-For", "").split(",")
    entry = entries[-position] if len(entries) >= position else ""
    try:
        address = ip_address(entry.strip())
    except ValueError:
        return "unknown"
    return str(_network(address))


def _network(address: IPv4Address | IPv6Address) -> object:
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or ip_network((address.packed[:8] + bytes(8), 64))
