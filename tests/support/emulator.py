"""Google's own Firestore emulator, started once a test session.

It is the judge of the Firestore adapter, so it is never replaced by something lighter: where
gcloud or Java is missing, the tests that need it are skipped, and on CI they fail.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from secciones.adapters.access_token import emulator_token
from secciones.adapters.firestore import FirestoreDocuments
from secciones.adapters.firestore_rest import Connection
from secciones.adapters.system import SystemClock, fraction

START_SECONDS = 60.0


@pytest.fixture(scope="session")
def firestore_emulator() -> Iterator[str]:
    """The emulator's `host:port`, the value that FIRESTORE_EMULATOR_HOST takes.

    One that the environment already names is used as it is.
    """
    running = os.environ.get("FIRESTORE_EMULATOR_HOST")
    if running:
        yield running
        return
    _require("gcloud", "java")
    with started_emulator() as address:
        yield address


@contextlib.contextmanager
def started_emulator() -> Iterator[str]:
    """An empty emulator on a free port; its `host:port`. Gone, with its Java, at the end."""
    address = f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory(prefix="firestore-") as folder:
        log = Path(folder) / "emulator.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["gcloud", "emulators", "firestore", "start", f"--host-port={address}", "--quiet"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"CLOUDSDK_CONFIG": folder, "CLOUDSDK_CORE_PROJECT": "secciones"},
                start_new_session=True,
            )
        try:
            _wait_until_ready(process, address, log)
            yield address
        finally:
            end_process_group(process)


def emulated_firestore(
    address: str, project: str, database: str = "(default)", now: Callable[[], datetime] | None = None
) -> FirestoreDocuments:
    """One database of the emulator, or of whatever else speaks Firestore's REST at `address`."""
    connection = Connection(emulator_token, f"http://{address}")
    return FirestoreDocuments(connection, project, database, now or SystemClock().now, random=fraction)


def clear(address: str, project: str, database: str = "(default)") -> None:
    """Delete every document of one database of the emulator."""
    url = f"http://{address}/emulator/v1/projects/{project}/databases/{database}/documents"
    with urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=30):
        pass


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_process_group(process: subprocess.Popen[bytes], patience: float = 10.0) -> None:
    """End a process that was started with `start_new_session`, and all of its children."""
    for stop, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, stop)
        deadline = time.monotonic() + seconds
        while _group_lives(process) and time.monotonic() < deadline:
            time.sleep(0.05)
    process.wait()


def _group_lives(process: subprocess.Popen[bytes]) -> bool:
    process.poll()  # reaps it, so that it does not count as a member any more
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _require(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if not missing:
        return
    reason = f"the Firestore emulator needs {' and '.join(missing)}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"http://{address}/", timeout=2).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"the Firestore emulator did not start:\n{log.read_text()[-2000:]}")
