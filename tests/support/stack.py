"""The whole stack as `make run` starts it, for journeys and browsers: real processes, free ports."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.local.configuration import PORTS
from infra.local.parts import ROOT
from infra.local.serve import end_with_parent, free_addresses
from tests.support.emulator import end_process_group

START_SECONDS = 120.0


@dataclass(frozen=True)
class Stack:
    """A running stack: what its stack.json says, and a hand on its parts."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    url: str
    google: str
    siges: str
    tasks: str
    people: list[dict[str, str]]

    @property
    def origin(self) -> str:
        """The front door without a path."""
        return self.url.removesuffix("/secciones/")

    @property
    def teachers(self) -> list[dict[str, str]]:
        """The sample people who have a DUI."""
        return [person for person in self.people if person["dui"]]

    def person(self, address: str) -> dict[str, str]:
        """The sample person with this address, or whose address begins with it."""
        return next(person for person in self.people if person["address"].startswith(address))

    def log(self, part: str) -> str:
        """What a part has written so far."""
        return (self.folder / "logs" / f"{part}.log").read_text(encoding="utf-8")

    @property
    def output(self) -> str:
        """What the terminal shows."""
        return (self.folder / "output").read_text(encoding="utf-8")

    def pid(self, part: str) -> int:
        """The process that leads a part's process group."""
        return int((self.folder / "run" / part / "pid").read_text())

    def kill(self, part: str) -> None:
        """SIGKILL a part with all of its processes; the stack starts it again."""
        os.killpg(self.pid(part), signal.SIGKILL)

    @contextlib.contextmanager
    def frozen(self, part: str) -> Iterator[None]:
        """In here a part accepts connections and answers none."""
        group = self.pid(part)
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """One stack for a whole test session, its state in the embedded store."""
    environment = {"FIRESTORE_EMULATOR_HOST": ""}
    with temporary_folder() as folder, running_stack(folder, environment) as running:
        yield running


@pytest.fixture(scope="session")
def stack_on_firestore(firestore_emulator: str) -> Iterator[Stack]:
    """One stack for a whole test session, its state in the Firestore emulator."""
    environment = {"FIRESTORE_EMULATOR_HOST": firestore_emulator}
    with temporary_folder() as folder, running_stack(folder, environment) as running:
        yield running


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for a stack, of a short name: sockets are made in it."""
    with tempfile.TemporaryDirectory(prefix="stack-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def running_stack(
    folder: Path,
    environment: Mapping[str, str] | None = None,
    port: int | None = None,
    fresh: bool = False,
) -> Iterator[Stack]:
    """A stack that is ready, with its state in `folder`; at the end nothing of it runs."""
    port = port or free_ports()
    (folder / "stack.json").unlink(missing_ok=True)  # one that was killed leaves it behind
    process = start_stack(folder, port, environment, fresh)
    try:
        _wait_until_ready(process, folder)
        content = json.loads((folder / "stack.json").read_text(encoding="utf-8"))
        yield Stack(folder=folder, port=port, process=process, **content)
    finally:
        end_process_group(process)


def start_stack(
    folder: Path,
    port: int,
    environment: Mapping[str, str] | None = None,
    fresh: bool = False,
    output: str = "output",
) -> subprocess.Popen[bytes]:
    """Start a stack and return at once; what it prints goes to the file `output` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / output).open("wb") as terminal:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "infra.local"),
                *("--port", str(port), "--state", str(folder)),
                *(["--fresh"] if fresh else []),
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )


def free_ports() -> int:
    """A port for the front door that leaves all of the stack's ports free.

    Below the range from which the system gives connections their ports.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        if all(free_addresses(port + offset) for offset in PORTS):
            return port


def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (folder / "stack.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the stack did not start:\n{(folder / 'output').read_text()}")
        time.sleep(0.05)
