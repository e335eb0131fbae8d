"""What is deployed stands by itself: a staged folder, installed from its own lock and nothing else, answers."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from stage import function_names, stage
from tests.support.emulator import end_process_group, free_port
from tests.support.every_setting import EVERY_SETTING

# The largest with pages and the largest without; all of them in the long form.
LARGEST = ["login", "worker"]
IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


@pytest.mark.parametrize("function", function_names() if IS_LONG else LARGEST)
def test_a_staged_function_answers_from_an_empty_environment_with_its_own_lock(function: str, tmp_path: Path) -> None:
    (folder,) = stage(tmp_path / "build", [function])
    python = _installed(tmp_path / "environment", folder / "requirements.txt")
    installed = subprocess.run(
        [python, "-c", "import importlib.util as u; print(u.find_spec('pytest') is u.find_spec('secciones') is None)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert installed.stdout.strip() == "True", "the environment is not empty"
    answer = _first_answer(python, folder, function)
    assert answer.status_code in {200, 401, 403, 404, 405}
    assert "Traceback" not in answer.text


def _installed(environment: Path, lock: Path) -> Path:
    """The Python of a new environment that holds what the lock names."""
    uv = Path(sys.executable).parent / "uv"
    python = environment / "bin/python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, environment], check=True, timeout=60)
    options = ["--quiet", "--python", str(python), "--require-hashes", "--requirement", str(lock)]
    subprocess.run([uv, "pip", "install", *options], check=True, timeout=300)
    return python


def _first_answer(python: Path, folder: Path, function: str) -> requests.Response:
    port = free_port()
    log = folder.parent / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [python, "-m", "functions_framework", "--source=main.py", f"--target={function}", f"--port={port}"],
            cwd=folder,
            env=EVERY_SETTING | {"HOME": str(folder), "STORE": f"sqlite:{folder}/state"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + 60
        while True:
            try:
                return requests.get(f"http://127.0.0.1:{port}/secciones/", timeout=30)
            except requests.ConnectionError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.1)
    finally:
        end_process_group(process)


def test_a_lock_whose_packages_are_others_is_not_installed(tmp_path: Path) -> None:
    (folder,) = stage(tmp_path / "build", ["sweeper"])
    lock = folder / "requirements.txt"
    lock.write_text(re.sub("sha256:[0-9a-f]{8}", "sha256:00000000", lock.read_text()))

    with pytest.raises(subprocess.CalledProcessError):
        _installed(tmp_path / "environment", lock)


def test_a_staged_folder_that_is_not_whole_does_not_answer(tmp_path: Path) -> None:
    (folder,) = stage(tmp_path / "build", ["sweeper"])
    shutil.rmtree(folder / "secciones/tasks")

    with pytest.raises(AssertionError, match=r"No module named 'secciones\.tasks"):
        _first_answer(Path(sys.executable), folder, "sweeper")
