"""checkov finds none of the mistakes that it knows, but for those that are explained where they are made."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.infra.terraform import SOURCE

CHECKOV = Path(sys.prefix) / "policy/bin/checkov"
MISTAKES = {
    "front_door.tf": ("uniform_bucket_level_access = true", "uniform_bucket_level_access = false"),
    "secrets.tf": ('rotation_period            = "2592000s" # 30 days', ""),
    "front_door.tf ": ('min_tls_version = "TLS_1_2"', 'min_tls_version = "TLS_1_0"'),
}

Report = Mapping[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """What checkov says of the files as they are (`/right`), and with mistakes in them (`/wrong`), in one run."""
    if not CHECKOV.exists():
        if os.environ.get("CI"):
            pytest.fail("checkov is needed in CI: make test installs it")
        pytest.skip("checkov is not here: make .venv/policy.stamp installs it")
    folder = tmp_path_factory.mktemp("policy")
    for copy in ("right", "wrong"):
        shutil.copytree(SOURCE, folder / copy)
    for file, (right, wrong) in MISTAKES.items():
        path = folder / "wrong" / file.strip()
        assert right in path.read_text()
        path.write_text(path.read_text().replace(right, wrong))
    options = ("--framework", "terraform", "--skip-download", "--compact", "--output", "json")
    run = subprocess.run(
        [CHECKOV, "--directory", str(folder), *options], capture_output=True, text=True, check=False, timeout=300
    )
    results: Report = json.loads(run.stdout)["results"]
    return results


def _of(copy: str, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [result for result in results if result["file_path"].startswith(f"/{copy}/")]


def test_there_is_no_known_mistake(report: Report) -> None:
    failed = [
        f"{found['check_id']} {found['check_name']}: {found['resource']}"
        for found in _of("right", report["failed_checks"])
    ]

    assert failed == [], "mend it, or say why not beside the resource: #checkov:skip=ID: reason"
    assert report["parsing_errors"] == []
    assert len(_of("wrong", report["failed_checks"])) >= len(MISTAKES)


def test_every_exception_says_why(report: Report) -> None:
    exceptions = {
        (found["check_id"], found["resource"].partition("[")[0]): found["check_result"]["suppress_comment"]
        for found in _of("right", report["skipped_checks"])
    }

    assert exceptions
    assert all(len(reason.split()) > 7 for reason in exceptions.values())


@pytest.mark.parametrize("check", ["CKV_GCP_29", "CKV_GCP_43", "CKV_GCP_4"])
def test_a_known_mistake_is_found(check: str, report: Report) -> None:
    assert check in {found["check_id"] for found in _of("wrong", report["failed_checks"])}


def test_no_exception_is_left_behind(report: Report) -> None:
    """A reason beside something that is not found any more would hide the next one."""
    written = {
        (file.name, line.partition("=")[2].partition(":")[0])
        for file in SOURCE.glob("*.tf")
        for line in file.read_text().splitlines()
        if "#checkov:skip=" in line
    }

    assert written == {
        (Path(found["file_path"]).name, found["check_id"]) for found in _of("right", report["skipped_checks"])
    }
