"""Run the whole service here: `python -m infra.local [--port 8080] [--state .local] [--fresh]`.

Takes the ports from --port upwards: the front door, +1 Google, +2 SIGES, +3 Cloud Tasks, +11 and
on the functions. Everything that it keeps is in the folder --state.
"""

import argparse
import sys
from pathlib import Path

from infra.local.configuration import PORTS
from infra.local.parts import ROOT
from infra.local.stack import run_stack

HIGHEST_PORT = 65535 - max(PORTS)


def main() -> None:
    """Run until Ctrl-C."""
    arguments = argparse.ArgumentParser(prog="infra.local", description=__doc__)
    arguments.add_argument("--port", type=_port, default=8080)
    arguments.add_argument("--state", type=Path, default=ROOT / ".local")
    arguments.add_argument("--fresh", action="store_true", help="forget what earlier runs kept")
    given = arguments.parse_args()
    sys.exit(run_stack(given.state, given.port, given.fresh))


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to {HIGHEST_PORT}")
    return int(text)


if __name__ == "__main__":
    main()
