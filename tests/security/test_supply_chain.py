"""Threat: what we install, or what we publish, is not what we think. Guard: every lock pins by hash, nothing is fetched
past it, what is known to be vulnerable is not in it, and no secret lies in the tree.

Take a hash out of a lock, `--require-hashes` out of the Makefile, or put a key into any file, and a test here turns
red.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {".git", ".venv", ".local", "build", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
LOCKS = sorted(ROOT.glob("**/requirements.txt"))
# Those of detect-secrets that know a secret by its form; the others guess, and a tree of hashes is full of guesses.
DETECTORS = (
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)
# What it does not know, and what we would be the first to lose.
GOOGLE = re.compile(r"AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{30}|GOCSPX-[0-9A-Za-z_-]{20}|1//0[0-9A-Za-z_-]{30}")
PLANTED = {
    "a private key": f"-----BEGIN PRIVATE {'KEY'}-----\n" + "A" * 64,
    "a Google API key": "AIza" + "x" * 35,
    "a Google access token": "ya29." + "x" * 40,
    "a Google client secret": "GOCSPX-" + "x" * 28,
    "a Google refresh token": "1//0" + "x" * 40,
    "a GitHub token": "ghp_" + "x" * 36,
    "an AWS key": "AKIA" + "X" * 16,
    "a Slack token": "xoxb-" + "1" * 12 + "-" + "a" * 24,
    "a JSON Web Token": "eyJhbGciOiJub25lIn0" + ".eyJzdWIiOiJhbmEifQ." + "z" * 43,
    "a password in an address": "https://ana:" + "secreta1" + "@siges.example/",
}


def our_files() -> Iterator[Path]:
    for path in ROOT.rglob("*"):
        if path.is_file() and not NOT_OURS & set(path.relative_to(ROOT).parts):
            yield path


def secrets_in(path: Path) -> list[str]:
    with transient_settings({"plugins_used": [{"name": name} for name in DETECTORS]}):
        found = {secret.type for secret in scan_file(str(path))}
    if GOOGLE.search(path.read_bytes().decode("utf-8", "replace")):
        found.add("Google")
    return sorted(found)


def test_no_secret_lies_in_the_tree() -> None:
    assert {str(path.relative_to(ROOT)): names for path in our_files() if (names := secrets_in(path))} == {}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_secret_would_be_found(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "settings.py"
    file.write_text(f'first = "line"\nsecret = "{PLANTED[kind]}"\n')
    assert secrets_in(file)


def test_nothing_that_is_installed_is_known_to_be_vulnerable() -> None:
    """Of the largest lock, inside whose versions all others are. Where no database of vulnerabilities can be reached,
    that is said; any other failure is one."""
    audit = subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv", "--progress-spinner", "off"),
            *("--require-hashes", "--disable-pip", "--timeout", "10", "--format", "json"),
            *("--requirement", str(ROOT / "tests/requirements.txt")),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if "requests.exceptions.ConnectionError" in audit.stderr or "requests.exceptions.Timeout" in audit.stderr:
        pytest.skip("no database of vulnerabilities can be reached from here: the locks were not audited")
    assert audit.stdout.startswith("{"), audit.stderr[-2000:]
    found = json.loads(audit.stdout)["dependencies"]
    assert len(found) > 40
    assert [package for package in found if package.get("vulns") or "skip_reason" in package] == []


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
