"""What a running stack keeps on disk, and the rule that one folder has one stack."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SECRETS = ("OIDC_CLIENT_SECRET", "PSEUDONYM_SECRET", "REGISTRY_SECRET", "SESSION_SECRET", "SIGES_TOKEN")


class FolderInUse(Exception):
    """Another stack runs in this folder."""


@dataclass(frozen=True)
class Folder:
    """`.local/`: the state that survives, and what a run makes anew."""

    root: Path

    @property
    def state(self) -> Path:
        """What survives a restart: documents, accounts, queue, keys, secrets."""
        return self.root / "state"

    @property
    def logs(self) -> Path:
        """One file a part."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """A folder a running part: its process id, its socket."""
        return self.root / "run"

    @property
    def build(self) -> Path:
        """The staged functions."""
        return self.root / "build"

    @property
    def description(self) -> Path:
        """stack.json: it is there while the stack is ready."""
        return self.root / "stack.json"


@contextlib.contextmanager
def opened(root: Path, fresh: bool) -> Iterator[Folder]:
    """Hold the folder for one stack; with `fresh`, without anything that an earlier one left.

    Raises FolderInUse.
    """
    folder = Folder(root.resolve())
    folder.root.mkdir(parents=True, exist_ok=True)
    with (folder.root / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUse(f"another stack already runs in {root}") from None
        for leftover in (folder.run, *((folder.state, folder.logs) if fresh else ())):
            shutil.rmtree(leftover, ignore_errors=True)
        folder.description.unlink(missing_ok=True)
        for needed in (folder.state, folder.logs, folder.run):
            needed.mkdir(mode=0o700, exist_ok=True)
        try:
            yield folder
        finally:
            folder.description.unlink(missing_ok=True)


def kept_secrets(folder: Folder) -> dict[str, str]:
    """The stack's own secrets by the name of their setting: each made once, then always the same."""
    file = folder.state / "secrets.json"
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    made = {name: kept.get(name) or secrets.token_urlsafe(32) for name in SECRETS}
    if made != kept:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as output:
            json.dump(made, output, indent=2)
    return made
