"""The locks say the same everywhere, are complete, and install from any index or none in particular."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.local.configuration import FUNCTIONS, Configuration, function_settings
from infra.local.folder import Folder, kept_secrets
from infra.local.google.keys import new_private_pem
from infra.local.parts import ROOT
from stage import stage

LOCKS = {
    **{name: ROOT / f"functions/{name}/requirements.txt" for name in FUNCTIONS},
    "local": ROOT / "infra/local/requirements.txt",
    "tests": ROOT / "tests/requirements.txt",
}
EXTRAS = {
    **{name: [name] for name in FUNCTIONS},
    "local": [*FUNCTIONS, "local"],
    "tests": [*FUNCTIONS, "local", "test", "tools"],
}
# Sealing and storing share their rules of repeating with the calls that go through Google's API client.
_GOOGLES_CLIENT = [
    "google_auth_httplib2",
    "googleapiclient.discovery",
    "googleapiclient.discovery_cache",
    "googleapiclient.errors",
    "httplib2",
]
UNREACHED = {"reset": _GOOGLES_CLIENT, "importer": _GOOGLES_CLIENT}


def _entries(lock: Path) -> dict[str, tuple[str, list[str]]]:
    """Name to version and hashes."""
    entries: dict[str, tuple[str, list[str]]] = {}
    for entry in lock.read_text().replace("\\\n", " ").splitlines():
        if not entry.startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=", entry.strip())
            name, version = requirement.split(";")[0].strip().split("==")
            entries[canonicalize_name(name)] = (version, hashes)
    return entries


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_what_pyproject_asks_for(name: str) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    locked = _entries(LOCKS[name])

    for wanted in (Requirement(text) for extra in EXTRAS[name] for text in extras[extra]):
        version, _ = locked[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), wanted


@pytest.mark.parametrize("name", LOCKS)
def test_every_entry_is_pinned_by_hash(name: str) -> None:
    for entry, (_, hashes) in _entries(LOCKS[name]).items():
        assert hashes, entry
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", hash_) for hash_ in hashes), entry


@pytest.mark.parametrize("name", LOCKS)
def test_every_lock_has_the_versions_of_the_tests(name: str) -> None:
    tested = _entries(LOCKS["tests"])

    assert {entry: locked for entry, locked in _entries(LOCKS[name]).items() if tested[entry] != locked} == {}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_index_and_no_place_of_a_machine(name: str) -> None:
    text = LOCKS[name].read_text()

    assert re.findall(r"https?:|file:|--(?:extra-)?index|find-links|(?<!\S)/\S+", text) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_needs_nothing_that_its_lock_does_not_install(name: str, tmp_path: Path) -> None:
    (folder,) = stage(tmp_path / "build", [name])
    settings = {**_settings(tmp_path, name), "PYTHONPATH": str(ROOT)}

    program = [sys.executable, "-m", "tests.support.under_lock", str(folder), f"{name.capitalize()}Settings"]
    program += UNREACHED.get(name, [])
    outcome = subprocess.run(program, env=settings, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert outcome.returncode == 0, outcome.stderr


def _settings(root: Path, name: str) -> dict[str, str]:
    folder = Folder(root)
    folder.state.mkdir()
    key = {
        "type": "service_account",
        "client_email": f"{name}@example.iam.gserviceaccount.com",
        "private_key": new_private_pem(),
        "private_key_id": "1",
        "token_uri": "http://localhost:1/token",
    }
    (root / "key.json").write_text(json.dumps(key))
    given = {"FIRESTORE_EMULATOR_HOST": "localhost:1", "GOOGLE_APPLICATION_CREDENTIALS": str(root / "key.json")}
    return given | function_settings(Configuration(1, folder, kept_secrets(folder), given), name)
