"""Run a stand-in's Flask application the way the functions run: under gunicorn.

One runner for all of them, so that each listens on `localhost` whatever address the client
resolves that name to, ends at once when told to, and never outlives what started it.
"""

import ctypes
import errno
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
PR_SET_PDEATHSIG = 1


def serve(
    app: Flask,
    port: int,
    threads: int = 8,
    on_start: Callable[[], None] | None = None,
) -> None:
    """Serve `app` on the loopback addresses until SIGTERM or SIGINT, then exit the process.

    Requests are answered by threads of one forked worker process: connections and threads
    made before this call do not reach it. What needs its own thread starts it in `on_start`,
    which runs in the worker before its first request.
    Exits with one clear line when the port is taken.
    """
    addresses = free_addresses(port)
    if not addresses:
        sys.exit(f"port {port} is taken")
    end_with_parent()
    _Server(app, addresses, threads, on_start).run()


def free_addresses(port: int) -> list[str]:
    """The loopback addresses to bind as `host:port`; none when any of them is in use."""
    addresses = []
    for family, host in LOOPBACK:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return []
        else:
            addresses.append(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    return addresses


def end_with_parent() -> None:
    """Have this process receive SIGTERM when its parent dies, however it dies."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the kernel was told
            os.kill(os.getpid(), signal.SIGTERM)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


class _Server(BaseApplication):
    def __init__(
        self,
        app: Flask,
        addresses: list[str],
        threads: int,
        on_start: Callable[[], None] | None,
    ) -> None:
        self._app = app
        self._options: dict[str, object] = {
            "bind": addresses,
            "workers": 1,
            "worker_class": "gthread",
            "threads": threads,
            "timeout": 0,
            "graceful_timeout": 1,
            "limit_request_line": 0,
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        if on_start is not None:
            self._options["post_worker_init"] = lambda _worker: on_start()
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._app
