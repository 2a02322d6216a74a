"""Checks that the ports of all processes are free, and names what uses them when not."""

import contextlib
import socket
from typing import Any

import psutil

import settings
from launcher.errors import CannotStartError


def page_url() -> str:
    """Address of the page in a browser on this machine."""
    host = settings.get("HOST")
    listens_here = host in ("0.0.0.0", "::") or settings.is_loopback(host)  # noqa: S104
    return f"http://{'localhost' if listens_here else host}:{settings.get('APP_PORT')}"


def check_ports() -> None:
    """Raises CannotStartError when a port is in use, ValueError when a setting is no number."""
    names = [setting.name for setting in settings.SETTINGS if setting.name.endswith("_PORT")]
    ports: dict[int, str] = {}
    for name in names:
        port = settings.get_int(name)
        if port in ports:
            raise CannotStartError(f"{ports[port]} and {name} are both {port}: change one of them.")
        ports[port] = name
        if not 0 < port < 65536 or not is_free(port):
            raise CannotStartError(
                f"Port {port} is taken{used_by(port)}: free it, or choose another one, "
                f"as in `{name}={port + 10} make run`."
            )


def is_taken(port: int) -> bool:
    """Return whether a server accepts connections on this port of 127.0.0.1."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def is_free(port: int) -> bool:
    """Return whether a server can listen on this port of 127.0.0.1."""
    if is_taken(port):
        return False
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def used_by(port: int) -> str:
    """Return ' by NAME (process N)' for the listening process, or '' when it cannot be read."""
    with contextlib.suppress(psutil.Error):  # macOS shows other users' processes to root only
        for connection in psutil.net_connections("tcp"):
            if listens_on(connection, port) and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


def listens_on(connection: Any, port: int) -> bool:
    """Return whether a connection from psutil is a listening socket on this port."""
    return bool(connection.status == psutil.CONN_LISTEN and connection.laddr.port == port)
