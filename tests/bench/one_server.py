"""A function as it is staged, or Flask's hello world, under gunicorn as functions-framework starts it.

python one_server.py NAME PORT        within the folder of the staged function; `hello` is hello world
"""

import sys

import flask
import functions_framework
from functions_framework._http import create_server


def main(name: str, port: int) -> None:
    """Serve until the process is ended."""
    if name == "hello":
        app = flask.Flask("hello")
        app.add_url_rule("/", view_func=lambda: "hello")
    else:
        app = functions_framework.create_app(name, "main.py")  # type: ignore[no-untyped-call]
    create_server(app, debug=False).run("127.0.0.1", port)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
