"""Calling systems over HTTP: connections that are kept, and whom TLS trusts.

This is no adapter: it is what those have in common that speak HTTP themselves.
"""

import functools
import ssl

import certifi
from urllib3 import HTTPConnectionPool, connection_from_url

_CONNECTIONS = 32


def connections(url: str, seconds: float) -> HTTPConnectionPool:
    """Connections to the host of `url`, which are asked for paths; threads share them. `seconds` are for connecting,
    and again for each wait for the answer. Nothing is tried again, no redirect followed, no cookie kept, nothing taken
    from the environment."""
    trust = {"ssl_context": _trust()} if url.startswith("https:") else {}
    return connection_from_url(url, maxsize=_CONNECTIONS, timeout=seconds, retries=False, **trust)


@functools.cache
def _trust() -> ssl.SSLContext:
    """Made once: to read the authorities takes 15 ms of a processor, and else each new connection would read them."""
    return ssl.create_default_context(cafile=certifi.where())
