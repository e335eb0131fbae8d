"""Starts the stand-in: `python -m infra.local.siges --port N --sample DIR --token TOKEN [--state DIR]`."""

import argparse
from pathlib import Path

from infra.local.serve import serve
from infra.local.siges.app import create_app
from infra.local.siges.bundle import read_bundle
from infra.local.siges.registry import StoredRegistry


def main() -> None:
    """Serve until told to end. Without --state, what the control plane changes is gone then."""
    parser = argparse.ArgumentParser(prog="infra.local.siges", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sample", type=Path, required=True, help="folder that holds oneroster/")
    parser.add_argument("--token", required=True, help="the bearer token that callers must send")
    parser.add_argument("--state", type=Path, help="folder in which changes to the registry survive a restart")
    options = parser.parse_args()
    registry = StoredRegistry(read_bundle(options.sample / "oneroster"), options.state)
    serve(create_app(registry, options.token), options.port)


if __name__ == "__main__":
    main()
