"""Where a request comes from: its Host, its Origin, and the client's address.

A page of another website can make a browser send requests here, and a name of its own can lead to
this machine (DNS rebinding). Both show in headers that the browser sets and the page cannot.
"""

from functools import lru_cache

import settings

_MOST_KNOWN = 1_000
"""Host headers that are remembered. Each port makes one, and a client can choose any."""


class Hosts:
    """The names by which a service may be called: its own, and those of ALLOWED_HOSTS."""

    def __init__(self) -> None:
        self._names = settings.allowed_hosts()
        self.known: set[bytes | None] = {None}  # HTTP/1.0 clients send none; browsers always do

    def allow(self, host: bytes | None, server: tuple[str, int | None] | None) -> bool:
        """Whether a Host header, with or without a port, is allowed; remembers it then.

        The address at which the connection arrived is always allowed: nobody's DNS can name it.
        """
        if host in self.known:
            return True
        name = host_name(host or b"")
        if name in self._names:
            if len(self.known) < _MOST_KNOWN:
                self.known.add(host)
            return True
        return server is not None and bool(name) and name == server[0].lower()


def host_name(host: bytes) -> str:
    """The name in a Host header: lower case, without port, brackets or a dot at the end."""
    text = host.decode("latin-1").strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    name, _, port = text.partition(":")
    return name.removesuffix(".") if not port or port.isdecimal() else ""


def is_own_origin(origin: bytes, host: bytes | None) -> bool:
    """Whether an Origin header names the address that the request was sent to."""
    _, _, place = origin.partition(b"://")
    return bool(place) and host is not None and place.lower() == host.lower()


def is_foreign_page(site: bytes | None, mode: bytes | None, method: str) -> bool:
    """Whether Sec-Fetch-Site says that a page of another origin made a browser send this.

    A link to this service, which a person follows, is none: only GET, and the page is left.
    """
    if site is None or site in (b"same-origin", b"none"):
        return False
    return not (mode == b"navigate" and method == "GET")


is_loopback = lru_cache(maxsize=4096)(settings.is_loopback)
"""Whether a client's address belongs to this machine alone. Asked for every request."""
