"""Start processes, wait until they answer, restart what dies, and leave none behind."""

import contextlib
import http.client
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from infra.local.parts import Part
from infra.local.serve import end_with_parent

START_SECONDS = 90.0
STOP_SECONDS = 5.0
CHECK_SECONDS = 0.1
DEATHS, DEATHS_SECONDS = 3, 60.0  # so many within so long are not an accident
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class PartFailed(Exception):
    """A part does not start or does not stay alive; the message carries its last lines."""


class Stopped(Exception):
    """A signal asked for the end."""


@dataclass
class _Running:
    part: Part
    process: subprocess.Popen[bytes]
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=DEATHS))


class Supervisor:
    """The parts that run now. Each is a process group of its own and dies with this process."""

    def __init__(self, logs: Path, run: Path, report: Callable[[str], None]) -> None:
        self._logs = logs
        self._run = run
        self._report = report
        self._running: list[_Running] = []
        self._stop = threading.Event()

    @contextlib.contextmanager
    def until_told_to_stop(self) -> Iterator[None]:
        """In here the first signal ends the waiting with Stopped; at the end all has stopped."""
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            self._stop_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def start(self, parts: Iterable[Part]) -> None:
        """Start parts side by side. Raises Stopped."""
        for part in parts:
            self.check_signals()
            (self._logs / f"{part.name}.log").write_bytes(b"")
            self._running.append(_Running(part, self._spawn(part)))

    def wait_until_ready(self) -> None:
        """Return when every part that was started answers. Raises PartFailed, Stopped."""
        waiting = list(self._running)
        deadline = time.monotonic() + START_SECONDS
        while waiting:
            self._pause()
            for running in waiting:
                if running.process.poll() is not None:
                    raise PartFailed(self._obituary(running, "did not start"))
            waiting = [running for running in waiting if not _answers(running.part)]
            if waiting and time.monotonic() > deadline:
                raise PartFailed(self._obituary(waiting[0], "does not answer"))

    def watch(self) -> None:
        """Restart what dies, for ever. Raises PartFailed, Stopped."""
        while True:
            self._pause()
            for running in self._running:
                if running.process.poll() is not None:
                    self._restart(running)

    def check_signals(self) -> None:
        """Raises Stopped when a signal has asked for the end."""
        if self._stop.is_set():
            raise Stopped

    def _pause(self) -> None:
        self._stop.wait(CHECK_SECONDS)
        self.check_signals()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()

    def _spawn(self, part: Part) -> subprocess.Popen[bytes]:
        run = self._run / part.name
        run.mkdir(parents=True, exist_ok=True)
        with (self._logs / f"{part.name}.log").open("ab") as log:
            process = subprocess.Popen(
                part.command,
                cwd=part.folder,
                env=part.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        (run / "new").write_text(str(process.pid))
        (run / "new").replace(run / "pid")
        return process

    def _restart(self, running: _Running) -> None:
        # Its group may have outlived it: a worker process that still holds the port.
        _signal_group(running, signal.SIGKILL)
        now = time.monotonic()
        running.deaths.append(now)
        if len(running.deaths) == DEATHS and now - running.deaths[0] < DEATHS_SECONDS:
            raise PartFailed(self._obituary(running, "keeps dying"))
        self._report(self._obituary(running, "died") + f"\n{running.part.name} is started again")
        running.process = self._spawn(running.part)

    def _obituary(self, running: _Running, what: str) -> str:
        log = self._logs / f"{running.part.name}.log"
        lines = log.read_text(errors="replace").splitlines()[-8:]
        code = running.process.returncode
        exit_code = "" if code is None else f" (exit code {code})"
        return "\n  ".join([f"{running.part.name} {what}{exit_code}; {log} ends with:", *lines])

    def _stop_all(self) -> None:
        """End every group; a second signal meanwhile ends it the hard way."""
        self._stop.clear()
        for running in self._running:
            _signal_group(running, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(map(_group_lives, self._running)) and time.monotonic() < deadline:
            if self._stop.wait(0.05):
                break
        for running in self._running:
            _signal_group(running, signal.SIGKILL)
            running.process.wait()
        self._running.clear()


def _signal_group(running: _Running, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(running.process.pid, number)


def _group_lives(running: _Running) -> bool:
    running.process.poll()  # reaps the leader, which would count as a member until then
    try:
        os.killpg(running.process.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _answers(part: Part) -> bool:
    if part.port is None:
        return True
    connection = http.client.HTTPConnection("127.0.0.1", part.port, timeout=2)
    try:
        connection.request("GET", part.path)
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
