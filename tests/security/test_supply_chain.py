"""Threat: what we install, or what we publish, is not what we think. Guard: every lock pins by hash, nothing is fetched
past it, and no secret lies in the tree."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {".git", ".venv", ".local", "build", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
LOCKS = sorted(ROOT.glob("**/requirements.txt"))
SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/=]{40}"),
    "a Google API key": re.compile(r"AIza[0-9A-Za-z_-]{35}"),
    "a Google access token": re.compile(r"ya29\.[0-9A-Za-z_-]{30}"),
    "a Google client secret": re.compile(r"GOCSPX-[0-9A-Za-z_-]{20}"),
    "a Google refresh token": re.compile(r"1//0[0-9A-Za-z_-]{30}"),
    "a GitHub token": re.compile(r"gh[pousr]_[0-9A-Za-z]{36}"),
    "an AWS key": re.compile(r"AKIA[0-9A-Z]{16}"),
    "a Slack token": re.compile(r"xox[abp]-[0-9A-Za-z-]{20}"),
    "a JSON Web Token": re.compile(r"eyJ[0-9A-Za-z_-]{20,}\.eyJ[0-9A-Za-z_-]{20,}\.[0-9A-Za-z_-]{20,}"),
    "a password in an address": re.compile(r"https?://[^/\s:@\"'{}]+:[^/\s:@\"'{}]{6,}@(?!evil)"),
}


def our_files() -> Iterator[Path]:
    for path in ROOT.rglob("*"):
        if path.is_file() and not NOT_OURS & set(path.relative_to(ROOT).parts):
            yield path


def secrets_in(text: str) -> list[str]:
    return [name for name, pattern in SECRETS.items() if pattern.search(text)]


def test_no_secret_lies_in_the_tree() -> None:
    found = {str(path.relative_to(ROOT)): names for path in our_files() if (names := secrets_in(_text(path)))}
    assert found == {}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_would_be_found(kind: str) -> None:
    samples = {
        "a private key": f"-----BEGIN PRIVATE {'KEY'}-----\n" + "A" * 64,
        "a Google API key": "AIza" + "x" * 35,
        "a Google access token": "ya29." + "x" * 40,
        "a Google client secret": "GOCSPX-" + "x" * 28,
        "a Google refresh token": "1//0" + "x" * 40,
        "a GitHub token": "ghp_" + "x" * 36,
        "an AWS key": "AKIA" + "X" * 16,
        "a Slack token": "xoxb-" + "1" * 24,
        "a JSON Web Token": ".".join(["eyJ" + "x" * 30, "eyJ" + "y" * 30, "z" * 43]),
        "a password in an address": "https://ana:" + "secreta1" + "@siges.example/",
    }
    assert kind in secrets_in(samples[kind])


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.parent.name)
def test_a_lock_installs_only_what_it_pins_by_hash(lock: Path) -> None:
    entries = lock.read_text().replace("\\\n", " ").splitlines()
    for entry in entries:
        if entry.strip() and not entry.startswith("#"):
            assert re.match(r"[A-Za-z0-9_.\[\]-]+==[^\s;]+( ;.*?)? +--hash=sha256:[0-9a-f]{64}", entry), entry
            assert "://" not in entry


def test_every_installation_demands_the_hashes() -> None:
    makefile = (ROOT / "Makefile").read_text()
    installs = [line for line in makefile.splitlines() if re.search(r"pip install", line)]
    assert installs
    assert all("--require-hashes" in line for line in installs)


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")
