"""Run the front door.

    python -m infra.local.front_door --port 8080 --static build/static \
        --function login=http://127.0.0.1:8091 --function verify=...
"""

import argparse
import logging
import os
import sys
from pathlib import Path

from aiohttp import web

from infra.local.front_door.proxy import HEADER_LIMIT, front_door
from infra.local.front_door.routes import ROUTES, read_routes
from infra.local.serve import end_with_parent, free_addresses


def main() -> None:
    """Serve until told to stop."""
    given = _arguments()
    functions = dict(entry.split("=", 1) for entry in given.function)
    routes = read_routes(given.routes)
    if missing := routes.functions() - functions.keys():
        sys.exit(f"front door: no address for {', '.join(sorted(missing))}")
    hosts = [address.rsplit(":", 1)[0].strip("[]") for address in free_addresses(given.port)]
    if not hosts:
        sys.exit(f"port {given.port} is taken")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    end_with_parent()
    parent = os.getppid()
    web.run_app(
        front_door(routes, functions, given.static, given.timeout),
        host=hosts,
        port=given.port,
        print=None,
        access_log=None,
        shutdown_timeout=1,
        max_line_size=HEADER_LIMIT,
        max_field_size=HEADER_LIMIT,
    )
    if given.description and os.getppid() != parent:  # a stack that was killed cannot say itself that it is gone
        given.description.unlink(missing_ok=True)


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(prog="infra.local.front_door")
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--routes", type=Path, default=ROUTES)
    arguments.add_argument("--static", type=Path, required=True)
    arguments.add_argument("--function", action="append", default=[], metavar="NAME=ORIGIN")
    arguments.add_argument("--description", type=Path, help="what says that the stack is ready, and ends with it")
    arguments.add_argument("--timeout", type=float, default=300.0, help="seconds to an answer")
    return arguments.parse_args()


if __name__ == "__main__":
    main()
