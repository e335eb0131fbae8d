"""How long a staged function takes from process start to its first answer, over functions-framework's hello world.

    python -m tests.bench.cold_start [rounds]

Each round starts every function once, hello world among them; what is printed are medians and their ratios. Staged
functions are compiled, as the cloud's build compiles them; hello world is as well.
"""

import compileall
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from stage import stage
from tests.support.emulator import end_process_group, free_port
from tests.support.every_setting import EVERY_SETTING

HELLO = 'def hello(request):\n    return "hello"\n'
# A page that each function answers without any other system: what is measured is the function itself.
FIRST_PATHS = {
    "hello": "/",
    "login": "/secciones/",
    "verify": "/secciones/identidad",
    "sections": "/secciones/centros",
    "reset": "/secciones/resultado/none",
    "worker": "/",
    "sweeper": "/",
    "auditor": "/",
    "operate": "/",
}


def main(rounds: int) -> None:
    """Print the table."""
    with _staged() as build:
        times: dict[str, list[float]] = {name: [] for name in FIRST_PATHS}
        for _ in range(rounds):
            for name in FIRST_PATHS:
                times[name].append(_first_answer(build / name, name))
    hello = statistics.median(times["hello"])
    print(f"{'function':10} {'median ms':>9} {'over hello world':>17}")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{name:10} {median * 1000:9.0f} {median / hello:17.2f}")


@contextlib.contextmanager
def _staged() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cold-start-") as folder:
        build = Path(folder)
        stage(build)
        (build / "hello").mkdir()
        (build / "hello/main.py").write_text(HELLO)
        compileall.compile_dir(build / "hello", quiet=1)
        yield build


def _first_answer(folder: Path, name: str) -> float:
    """Seconds from the start of the process to the end of its first answer."""
    port = free_port()
    environment = EVERY_SETTING | {"PATH": os.environ["PATH"], "HOME": str(folder), "STORE": f"sqlite:{folder}/state"}
    command = [sys.executable, "-m", "functions_framework", "--source", "main.py", "--target", name]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while True:
            with contextlib.suppress(requests.ConnectionError):
                requests.get(f"http://127.0.0.1:{port}{FIRST_PATHS[name]}", timeout=30)
                return time.perf_counter() - started
            time.sleep(0.005)
    finally:
        end_process_group(process)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
