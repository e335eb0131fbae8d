"""What a batch costs: how long a section takes, and how time, memory and queries grow with the accounts.

The worker is staged and a process of its own; the Directory, Gmail and KMS are the stand-in with 200 ms a call, the
store is Firestore's emulator.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from googleapiclient.http import BatchHttpRequest

from stage import stage
from tests.bench.figures import Figure
from tests.bench.one_worker import FIRST_NIE
from tests.support.every_setting import EVERY_SETTING
from tests.support.google_stand_in import (
    DELEGATED_ADMIN,
    KMS_KEY,
    READ_USERS,
    WORKER,
    StandIn,
    credentials,
    rooted,
    running_stand_in,
)

CALL_SECONDS = 0.2
SECTION = 40
# As many as a batch may have.
LIMIT = 200
MANY = 500
ACCOUNTS = 2 * SECTION + LIMIT + MANY
GOOGLES_QUOTA = 2400
WIDE_QUOTA = 60_000
# In which a worker earns its burst again.
IDLE_SECONDS = 10.0


def figures(emulator: str) -> Iterator[Figure]:
    """A section under Google's own quota; a large batch and a small one under one so wide that nobody waits for it."""
    with tempfile.TemporaryDirectory(prefix="worker-") as name:
        folder = Path(name)
        (staged,) = stage(folder / "build", ["worker"])
        with running_stand_in(folder / "google") as google:
            _open_accounts(google, ACCOUNTS)
            for api in ("directory", "gmail", "kms"):
                google.control("latency", {"api": api, "seconds": CALL_SECONDS})
            for mirror, goal in (("no", "≤ 2"), ("fresh", "≤ 1.1")):
                cold, section, told = _sections(staged, google, emulator, mirror)
                name = f"worker, {mirror} mirror: "
                yield Figure(f"{name}40 accounts to the mail, in calls' time", section["seconds"] / CALL_SECONDS, "≤ 8")
                yield Figure(f"{name}the same, the first of an instance", cold["seconds"] / CALL_SECONDS)
                yield Figure(f"{name}Directory queries an account", told / (2 * SECTION), goal)
            google.control("quota", {"per_minute": WIDE_QUOTA})
            counts = [SECTION, SECTION, LIMIT, MANY]
            _, few, most, many = _run(staged, google, emulator, WIDE_QUOTA, "no", 0, counts)
            yield Figure("worker: CPU an account, ms, 40 accounts", 1000 * few["cpu_seconds"] / SECTION, "≤ 5")
            yield Figure("worker: CPU an account, ms, 500 accounts", 1000 * many["cpu_seconds"] / MANY, "≤ 5")
            yield Figure("worker: peak memory, 200 accounts over 40", most["peak_mib"] / few["peak_mib"], "flat")
            yield Figure("worker: peak memory, 500 accounts over 40", many["peak_mib"] / few["peak_mib"], "flat")
            yield Figure("worker: time an account, 500 over 40", many["seconds"] / MANY * SECTION / few["seconds"])
            yield from _batch_endpoint(google)


def _sections(staged: Path, google: StandIn, emulator: str, mirror: str) -> tuple[dict[str, Any], dict[str, Any], int]:
    """Two sections one after the other, and how often the Directory was asked for them."""
    before = len(google.history()["directory"])
    cold, section = _run(staged, google, emulator, GOOGLES_QUOTA, mirror, IDLE_SECONDS, [SECTION, SECTION])
    told = len(google.history()["directory"]) - before
    pages_of_the_mirror = -(-ACCOUNTS // 500) if mirror == "fresh" else 0
    return cold, section, told - pages_of_the_mirror


def _run(
    staged: Path, google: StandIn, emulator: str, quota: int, mirror: str, pause: float, counts: Sequence[int]
) -> list[dict[str, Any]]:
    program = Path(__file__).with_name("one_worker.py")
    settings = EVERY_SETTING | {
        "FIRESTORE_EMULATOR_HOST": emulator,
        "GOOGLE_APPLICATION_CREDENTIALS": str(google.key_file(WORKER)),
        "DIRECTORY_API_ENDPOINT": google.url,
        "GMAIL_API_ENDPOINT": google.url,
        "KMS_API_ENDPOINT": google.url,
        "TOKEN_ENDPOINT": f"{google.url}/token",
        "DELEGATED_ADMIN": DELEGATED_ADMIN,
        "MAIL_SENDER": DELEGATED_ADMIN,
        "SEAL_KEY": KMS_KEY,
        "DIRECTORY_QUERIES_PER_MINUTE": str(quota),
    }
    ran = subprocess.run(
        [sys.executable, str(program), mirror, str(pause), *map(str, counts)],
        cwd=staged,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(staged), **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(ran.stderr[-3000:])
    return [json.loads(line) for line in ran.stderr.splitlines()]


def _open_accounts(google: StandIn, count: int) -> None:
    """Students of /Estudiantes, the first with the first NIE."""

    def add(nie: int) -> None:
        google.control("accounts", {"address": f"{nie}@clases.edu.sv", "orgUnitPath": "/Estudiantes/10001"})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(FIRST_NIE, FIRST_NIE + count)))


def _batch_endpoint(google: StandIn) -> Iterator[Figure]:
    """The other way to look up a section: one request to Google's batch endpoint, fired at once."""
    google.control("quota", {"per_minute": SECTION - 10})
    found: list[bool] = []

    def told(_: str, __: Any, error: Exception | None) -> None:
        found.append(error is None)

    with rooted(google, "admin", "directory_v1", credentials(google, DELEGATED_ADMIN, READ_USERS)) as directory:
        batch: BatchHttpRequest = directory.new_batch_http_request(callback=told)
        for nie in range(FIRST_NIE, FIRST_NIE + SECTION):
            batch.add(directory.users().get(userKey=f"{nie}@clases.edu.sv"))
        began = time.perf_counter()
        batch.execute()
        seconds = time.perf_counter() - began
    yield Figure("batch endpoint: 40 look-ups in one request, in calls' time", seconds / CALL_SECONDS)
    yield Figure("batch endpoint: of them refused and not retried, with 30 left in the quota", found.count(False))
