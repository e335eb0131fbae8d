"""Calling systems over HTTP: connections that are kept, and whom TLS trusts.

This is no adapter: it is what those have in common that speak HTTP themselves.
"""

import functools
import ssl

import certifi
from urllib3 import PoolManager

_CONNECTIONS = 32


def connections(url: str, seconds: float) -> PoolManager:
    """Connections to a system at `url`, for threads to share. `seconds` are for connecting, and again for each wait for
    the answer. Nothing is tried again, no redirect followed, no cookie kept, nothing taken from the environment."""
    trust = _trust() if url.startswith("https:") else None
    return PoolManager(num_pools=1, maxsize=_CONNECTIONS, timeout=seconds, retries=False, ssl_context=trust)


@functools.cache
def _trust() -> ssl.SSLContext:
    """Made once: to read the authorities takes 15 ms of a processor, and else each new connection would read them."""
    return ssl.create_default_context(cafile=certifi.where())
