"""The whole service on this machine, from nothing to ready, and back to nothing."""

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from infra.local import parts
from infra.local.announcement import announcement, description, read_people, write_description
from infra.local.configuration import FUNCTIONS, PORTS, PROJECT, Configuration, without_foreign_key
from infra.local.folder import FolderInUse, kept_secrets, opened
from infra.local.serve import free_addresses
from infra.local.supervisor import PartFailed, Stopped, Supervisor
from stage import StagingError, stage


def run_stack(root: Path, port: int, fresh: bool = False) -> int:
    """Run everything until a signal comes; returns the exit code, with nothing left running."""
    try:
        with opened(root, fresh) as folder:
            configuration = Configuration(port, folder, kept_secrets(folder), without_foreign_key(os.environ))
            _check_ports(configuration)
            if fresh:
                _empty_emulator(configuration)
            return _supervise(configuration)
    except (FolderInUse, PartFailed, PortTaken, StagingError) as error:
        print(error, file=sys.stderr)
        return 1
    except Stopped:
        return 0


class PortTaken(Exception):
    """Something else listens where a part should."""


def _supervise(configuration: Configuration) -> int:
    folder = configuration.folder
    supervisor = Supervisor(folder.logs, folder.run, report=_report)
    with supervisor.until_told_to_stop():
        supervisor.start(parts.stand_ins(configuration))
        stage(folder.build, FUNCTIONS)
        supervisor.wait_until_ready()
        supervisor.start(parts.queue(configuration))
        supervisor.start(parts.functions(configuration))
        supervisor.start(parts.entrances(configuration))
        supervisor.wait_until_ready()
        people = read_people(parts.SAMPLE)
        write_description(folder.description, description(configuration, people))
        print(announcement(configuration, people), flush=True)
        supervisor.watch()
    return 0


def _report(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _check_ports(configuration: Configuration) -> None:
    for offset in PORTS:
        port = configuration.port + offset
        if not free_addresses(port):
            raise PortTaken(f"port {port} is taken: end what listens there, or choose others with PORT=...")


def _empty_emulator(configuration: Configuration) -> None:
    """Begin anew also where the state is in the Firestore emulator that the environment names."""
    if not configuration.given("FIRESTORE_EMULATOR_HOST"):
        return
    host = configuration.environment["FIRESTORE_EMULATOR_HOST"]
    project = configuration.setting("GOOGLE_CLOUD_PROJECT", PROJECT)
    for database in (
        configuration.setting("FIRESTORE_DATABASE", "(default)"),
        configuration.setting("AUDIT_DATABASE", "audit"),
    ):
        address = f"http://{host}/emulator/v1/projects/{project}/databases/{database}/documents"
        try:
            urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=30).close()
        except urllib.error.URLError as error:
            raise PartFailed(f"the Firestore emulator at {host}: {error.reason}") from None
