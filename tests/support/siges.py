"""The stand-in for SIGES as its own process, and its control plane in the words of a test."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.support.emulator import end_process_group, free_port

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "infra/local/sample"
TOKEN = "a-token-for-the-registry-of-the-tests"  # it opens nothing but the stand-in
START_SECONDS = 30.0


@dataclass(frozen=True)
class SigesStandIn:
    """A running stand-in."""

    url: str
    token: str

    def go_down(self, status: int = 503, times: int | None = None, retry_after: int = 0) -> None:
        """Answer with an error, until told otherwise or a number of times."""
        self._control("PUT", "fault", {"status": status, "times": times, "retryAfter": retry_after})

    def be_slow(self, seconds: float) -> None:
        self._control("PUT", "fault", {"delay": seconds})

    def set_section_state(self, section_id: str, state: str) -> None:
        self._control("PUT", f"sections/{section_id}", {"state": state})

    def assign(self, teacher_id: str, section_id: str, assigned: bool) -> None:
        self._control("PUT", "assignments", {"teacherId": teacher_id, "sectionId": section_id, "assigned": assigned})

    def calls(self) -> dict[str, int]:
        """How often each operation was called, by its operationId in the contract."""
        calls: dict[str, int] = requests.get(f"{self.url}/_control/", timeout=10).json()["calls"]
        return calls

    def restore(self) -> None:
        """No fault, no calls, no changes."""
        for what in ("fault", "calls", "changes"):
            self._control("DELETE", what)

    def _control(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        requests.request(method, f"{self.url}/_control/{path}", json=body, timeout=10).raise_for_status()


@contextlib.contextmanager
def started_siges(log: Path, state: Path | None = None, sample: Path = SAMPLE) -> Iterator[SigesStandIn]:
    """A stand-in on a free port with the registry in `sample`; all that it prints goes to the log."""
    port = free_port()
    command = [sys.executable, "-m", "infra.local.siges", f"--port={port}", f"--sample={sample}", f"--token={TOKEN}"]
    with log.open("ab") as output:
        process = subprocess.Popen(  # the command is ours
            command + ([f"--state={state}"] if state else []),
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT}"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    stand_in = SigesStandIn(f"http://127.0.0.1:{port}", TOKEN)
    try:
        _wait_until_ready(process, stand_in.url, log)
        yield stand_in
    finally:
        end_process_group(process)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            requests.get(f"{url}/healthz", timeout=2).raise_for_status()
            return
        time.sleep(0.05)
    raise RuntimeError(f"the stand-in for SIGES did not start:\n{log.read_text()[-2000:]}")
