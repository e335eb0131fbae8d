"""How the text of an environment's variable becomes a value; ValueError's message says what is wrong with it."""

import re
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit


def text(value: str) -> str:
    """One line."""
    if not value.isprintable():
        raise ValueError("must be one line of printable text")
    return value


def secret(value: str) -> str:
    """Long enough not to be guessed."""
    if len(value) < 32:
        raise ValueError("must have at least 32 characters")
    return value


def url(value: str) -> str:
    """An address, without the slash at its end; plain HTTP to this machine alone."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an http or https address")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must be https: only a loopback address may go without")
    return value.rstrip("/")


def count(value: str) -> int:
    """At least 1."""
    if not re.fullmatch(r"[1-9][0-9]{0,6}", value):
        raise ValueError("must be a whole number of at least 1")
    return int(value)


def switch(value: str) -> bool:
    """True or false."""
    if value not in {"true", "false"}:
        raise ValueError("must be true or false")
    return value == "true"


def hours(value: str) -> int:
    """Whole hours, a day at most: after a day a result offers to reset again whoever has not signed in."""
    if not re.fullmatch(r"[0-9]{1,2}", value) or int(value) > 24:
        raise ValueError("must be a whole number of hours from 0 to 24")
    return int(value)


def domain(value: str) -> str:
    """A domain."""
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", value):
        raise ValueError("must be a domain in lower case")
    return value


def address(value: str) -> str:
    """An e-mail address, in lower case."""
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise ValueError("must be an e-mail address")
    return value.lower()


def org_unit(value: str) -> str:
    """The path of an organisational unit."""
    if not re.fullmatch(r"/\S(.*\S)?", value) or value.endswith("/"):
        raise ValueError("must be a path like /Docentes, and not the root of all units")
    return value


def store(value: str) -> str:
    """What keeps the state."""
    if value != "firestore" and not re.fullmatch(r"sqlite:.+", value):
        raise ValueError("must be firestore or sqlite:PATH")
    return value


def emulator(value: str) -> str:
    """Where the emulator of Firestore is."""
    if value and not is_loopback(urlsplit(f"//{value}").hostname or ""):
        raise ValueError("must be a loopback host:port")
    return value


def metadata(value: str) -> str:
    """Where the metadata server is: its tokens travel in the clear."""
    if value != "metadata.google.internal" and not is_loopback(urlsplit(f"//{value}").hostname or ""):
        raise ValueError("must be metadata.google.internal or a loopback host:port")
    return value


def one_of(*words: str) -> Callable[[str], str]:
    """One of these words."""

    def read(value: str) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value

    return read


def is_loopback(host: str) -> bool:
    """Whether a host name or address never leaves this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_local(value: str) -> bool:
    """Whether a text is an address of this machine."""
    try:
        host = urlsplit(value if "://" in value else f"//{value}").hostname
    except ValueError:
        return False
    return host is not None and is_loopback(host)
