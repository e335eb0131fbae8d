"""A function's process, as it is staged, that answers one question again and again, and so does Flask's hello world.

    python one_page.py NAME METHOD PATH HEADERS SECONDS        within the folder of the staged function

One line of JSON: requests a second of processor time, of the page and of hello world. No server stands between, whose
work would be the same for both.
"""

import io
import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import flask
import functions_framework
from werkzeug.test import EnvironBuilder

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def main(name: str, method: str, path: str, headers: str, seconds: float) -> None:
    """Measure both in turns, so that a change of the machine's speed meets both."""
    hello = flask.Flask("hello")
    hello.add_url_rule("/", view_func=lambda: "hello")
    page: WsgiApp = functions_framework.create_app(name, "main.py")  # type: ignore[no-untyped-call]
    asked = EnvironBuilder(path, method=method, headers=json.loads(headers)).get_environ()
    greeted = EnvironBuilder("/").get_environ()
    _answer(page, asked)  # what is imported and connected once
    totals = {"page": [0, 0.0], "hello": [0, 0.0]}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for key, app, environ in (("page", page, asked), ("hello", hello, greeted)):
            began = time.process_time()
            for _ in range(50):
                _answer(app, environ)
            totals[key][0] += 50
            totals[key][1] += time.process_time() - began
    sys.stderr.write(json.dumps({key: count / spent for key, (count, spent) in totals.items()}) + "\n")


def _answer(app: WsgiApp, environ: dict[str, Any]) -> None:
    statuses: list[str] = []
    body = b"".join(app({**environ, "wsgi.input": io.BytesIO()}, lambda status, *_: statuses.append(status)))
    if statuses != ["200 OK"] or not body:
        raise RuntimeError(f"answered {statuses}: {body[:500]!r}")


if __name__ == "__main__":
    _, name, method, path, headers, seconds = sys.argv
    main(name, method, path, headers, float(seconds))
