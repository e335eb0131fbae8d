"""The pipeline is one that Cloud Build and gcloud understand, and it goes back by itself when a release does not
hold."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from stage import function_names
from tests.infra.gcloud import gcloud_commands, unknown_words
from tests.infra.mutants import altered
from tests.infra.terraform import ROOT, SOURCE, Resource, Terraform

BUILDS = ("cloudbuild.yaml", "infra/terraform/pipeline/plan.yaml", "infra/terraform/pipeline/rollback.yaml")
PIPELINE = "cloudbuild.yaml"
FUNCTIONS = function_names()
ROLLBACK = "infra/terraform/pipeline/rollback.yaml"
BUILT_IN = {"BUILD_ID", "COMMIT_SHA", "PROJECT_ID", "SHORT_SHA"}
# A Cloud Run of its own: two revisions a service, and what gcloud prints of them. `calls` is what was asked of it.
CLOUD = """import json, os, pathlib, sys
folder = pathlib.Path(os.environ["CLOUD"])
arguments = [argument for argument in sys.argv[1:]]
with (folder / "calls").open("a") as calls:
    calls.write(" ".join(arguments) + "\\n")
state = json.loads((folder / "state.json").read_text())
match arguments:
    case ["artifacts", "docker", "images", "describe", image, *_]:
        print(state["built"][image.rpartition("/")[2].partition(":")[0]])
    case ["run", "services", "describe", name, *rest] if "--format=json" in rest:
        print(json.dumps({"status": {"traffic": [{"revisionName": "tagged", "tag": "old"}, *state["traffic"][name]]}}))
    case ["run", "services", "describe", name, *_]:
        print(state["newest"][name])
    case ["run", "revisions", "describe", revision, *_]:
        print(state["images"][revision])
    case ["run", "deploy", name, *rest]:
        state["newest"][name] = f"{name}-new"
        state["images"][f"{name}-new"] = next(x for x in rest if x.startswith("--image=")).partition("=")[2]
    case ["run", "services", "update-traffic", name, _, tags] if tags.startswith("--update-tags=candidate="):
        state["tagged"][name] = tags.rpartition("=")[2]
    case ["run", "services", "update-traffic", name, *rest]:
        targets = next(x for x in rest if x.startswith("--to-revisions=")).removeprefix("--to-revisions=").split(",")
        state["traffic"][name] = [{"revisionName": t.split("=")[0], "percent": int(t.split("=")[1])} for t in targets]
    case ["storage", "cp", source, target]:
        stored = folder / "bucket"
        if source.startswith("gs://"):
            pathlib.Path(target).write_bytes(stored.read_bytes())
        else:
            stored.write_bytes(pathlib.Path(source).read_bytes())
(folder / "state.json").write_text(json.dumps(state))
"""
# The smoke test's stand-in, which fails when the nth one is asked for; any other Python is Python.
SMOKE = """case "$*" in
  *smoke.py*)
    echo "$*" >> "$CLOUD/smokes"
    [ "$(wc -l < "$CLOUD/smokes")" -ne "$FAILS" ] ;;
  *) exec {python} "$@" ;;
esac
"""


def _build(file: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / file).read_text())
    return content


def _scripts(file: str) -> Iterator[tuple[str, str]]:
    for step in _build(file)["steps"]:
        yield step["id"], step["script"]


@cache
def _schemas() -> Mapping[str, Any]:
    documents = resources.files("googleapiclient") / "discovery_cache/documents/cloudbuild.v1.json"
    schemas: Mapping[str, Any] = json.loads(documents.read_text())["schemas"]
    return schemas


def _mistakes(value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if "$ref" in schema:
        yield from _mistakes(value, _schemas()[schema["$ref"]], where)
    elif schema.get("properties"):
        for key, inner in value.items():
            if key in schema["properties"]:
                yield from _mistakes(inner, schema["properties"][key], f"{where}.{key}")
            else:
                yield f"{where}.{key} is unknown"
    elif schema.get("type") == "array":
        for index, inner in enumerate(value):
            yield from _mistakes(inner, schema["items"], f"{where}[{index}]")
    elif schema.get("type") == "object":
        for key, inner in value.items():
            yield from _mistakes(inner, schema["additionalProperties"], f"{where}.{key}")
    elif not isinstance(value, {"string": str, "boolean": bool, "integer": int}[schema["type"]]):
        yield f"{where} is no {schema['type']}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{where} may not be {value}"


@pytest.mark.parametrize("file", BUILDS)
def test_a_build_is_what_cloud_build_reads(file: str) -> None:
    assert list(_mistakes(_build(file), _schemas()["Build"], file)) == []


def test_a_slip_in_a_build_is_found() -> None:
    slip = {"steps": [{"name": "x", "wait_for": []}], "options": {"logging": "CLOUD"}, "timeout": 5}

    assert list(_mistakes(slip, _schemas()["Build"], "b")) == [
        "b.steps[0].wait_for is unknown",
        "b.options.logging may not be CLOUD",
        "b.timeout is no string",
    ]


@pytest.mark.parametrize("file", BUILDS)
def test_steps_wait_for_steps_that_come_before_them(file: str) -> None:
    known: set[str] = set()
    for step in _build(file)["steps"]:
        assert set(step.get("waitFor", [])) <= known, step["id"]
        assert step["id"] not in known
        known.add(step["id"])


@pytest.mark.parametrize("file", BUILDS)
def test_every_variable_is_substituted_set_or_the_scripts_own(file: str) -> None:
    build = _build(file)
    options = build["options"]
    given = {*BUILT_IN, *build.get("substitutions", {}), *(entry.partition("=")[0] for entry in options.get("env", []))}
    fields = [*build.get("images", []), *options.get("env", [])]
    substituted = {name for field in fields for name in re.findall(r"\$\{?(\w+)", field)}

    assert options["automapSubstitutions"], "scripts read substitutions from their environment"
    assert substituted <= {*BUILT_IN, *build.get("substitutions", {})}
    for step, script in _scripts(file):
        read = set(re.findall(r"(?<!\\)\$\{?([A-Z_][A-Z_0-9]*)", script))
        assert read <= {*given, "PATH", "PWD"}, step


@pytest.mark.parametrize("file", BUILDS)
def test_every_script_stops_at_the_first_error_and_can_be_read_by_its_shell(file: str) -> None:
    for step, script in _scripts(file):
        shell = script.splitlines()[0].rpartition("/")[2].rpartition(" ")[2]
        outcome = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
        assert script.splitlines()[1].startswith("set -eu"), step
        assert outcome.returncode == 0, (step, outcome.stderr)


@pytest.mark.parametrize("file", [PIPELINE, ROLLBACK])
def test_every_gcloud_command_and_flag_is_one_of_the_installed_gcloud(file: str) -> None:
    commands = [command for _, script in _scripts(file) for command in gcloud_commands(script)]

    assert len(commands) >= 2
    assert {command: unknown for command in commands if (unknown := unknown_words(command))} == {}


def test_a_slip_in_a_gcloud_command_is_found() -> None:
    assert unknown_words("run deploy x --no-trafic --tag=candidate") == ["--no-trafic"]
    assert unknown_words("run servces describe x") != []


def test_the_pipeline_builds_deploys_and_records_every_function() -> None:
    """The steps take their names from the tree; provenance has to be told the images' names."""
    images = [image.rpartition("/")[2].partition(":")[0] for image in _build(PIPELINE)["images"]]

    assert images == FUNCTIONS, "cloudbuild.yaml: `images` has one line for each folder of functions/ with a main.py"


def test_a_release_goes_through_its_gates_in_order() -> None:
    before: dict[str, set[str]] = {}
    for step in _build(PIPELINE)["steps"]:
        waits = set(step.get("waitFor", []))
        before[step["id"]] = waits.union(*(before[name] for name in waits))

    gates = ["check", "test", "stage", "plan", "apply", "deploy", "smoke", "promote", "record"]
    for earlier, later in pairwise(gates):
        assert earlier in before[later], f"{later} does not wait for {earlier}"


def test_terraform_in_the_pipeline_is_the_one_that_was_tested(infrastructure: Terraform) -> None:
    tested = json.loads(infrastructure.run("version", "-json").stdout)["terraform_version"]
    images = [step["name"] for file in BUILDS for step in _build(file)["steps"] if "terraform" in step["name"]]

    assert set(images) == {f"hashicorp/terraform:{tested}"}
    assert f'required_version = "~> {tested}"' in (SOURCE / "versions.tf").read_text()


def test_nothing_in_a_build_is_a_persons(production: list[Resource], trial: list[Resource]) -> None:
    for environment in (production, trial):
        for trigger in (found.values for found in environment if found.type == "google_cloudbuild_trigger"):
            assert trigger["service_account"]
            path = trigger["filename"] or trigger["git_file_source"][0]["path"]
            assert path in BUILDS
            assert set(_build(path)["substitutions"]) <= set(trigger["substitutions"]), path
    assert not [file for file in BUILDS for key in ("secrets", "availableSecrets") if key in _build(file)]


def test_only_synthetic_people_try_releases_and_only_where_there_are_some(
    production: list[Resource], trial: list[Resource]
) -> None:
    def teacher(resources: list[Resource]) -> str:
        release = next(found for found in resources if found.address == 'google_cloudbuild_trigger.this["release"]')
        return str(release.values["substitutions"]["_TEACHER"])

    assert teacher(production) == ""
    assert teacher(trial) == "synthetic-teacher"


def test_a_release_that_waits_for_nobody_is_found(production: list[Resource]) -> None:
    mutant = altered(
        production,
        'google_cloudbuild_trigger.this["release"]',
        lambda values: values["approval_config"][0].update(approval_required=False),
    )

    with pytest.raises(AssertionError):
        test_a_release_of_produccion_waits_for_a_persons_approval(mutant)


def test_a_release_of_produccion_waits_for_a_persons_approval(production: list[Resource]) -> None:
    waits = {
        found.values["name"]: found.values["approval_config"][0]["approval_required"]
        for found in production
        if found.type == "google_cloudbuild_trigger"
    }

    assert waits == {"plan": False, "release": True, "rollback": False}


class Cloud:
    """Cloud Run on paper, and the scripts of the pipeline run against it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        programs = folder / "bin"
        programs.mkdir()
        python = f"{sys.executable} -IS"
        (programs / "gcloud").write_text(f"#!{python}\n{CLOUD}")
        (programs / "python3").write_text(f"#!/bin/sh\n{SMOKE.format(python=python)}")
        for program in programs.iterdir():
            program.chmod(0o755)
        self._write(
            {
                "built": {name: f"{name}@sha256:1" for name in FUNCTIONS},
                "newest": {name: f"{name}-old" for name in FUNCTIONS},
                "images": {f"{name}-old": f"{name}@sha256:1" for name in FUNCTIONS},
                "tagged": {},
                "traffic": {name: [{"revisionName": f"{name}-old", "percent": 100}] for name in FUNCTIONS},
            }
        )

    def change(self, name: str) -> None:
        """The build makes another image of this function."""
        state = self.state()
        state["built"][name] = f"{name}@sha256:2"
        self._write(state)

    def run(self, *steps: str, file: str = PIPELINE, fails: int = 0, teacher: str = "", without: str = "\0") -> int:
        """Run steps one after the other until one fails.

        `fails` is the smoke test that finds something wrong, `without` what the scripts are robbed of.
        """
        environment = {
            **dict.fromkeys(BUILT_IN, "x"),
            **_build(file)["substitutions"],
            "_TEACHER": teacher,
            "CLOUD": str(self.folder),
            "FAILS": str(fails),
            "IMAGES": "images",
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "RECORD": "gs://record",
        }
        workspace = self.folder / "workspace"
        workspace.mkdir(exist_ok=True)
        (workspace / "staged").write_text("".join(f"{name} sum\n" for name in FUNCTIONS))
        for step, script in _scripts(file):
            if step in steps:
                code = subprocess.run(
                    ["bash", "-c", script.replace(without, ":")], cwd=workspace, env=environment, check=False
                ).returncode
                if code:
                    return code
        return 0

    def traffic(self, name: str) -> dict[str, int]:
        return {target["revisionName"]: target["percent"] for target in self.state()["traffic"][name]}

    def calls(self, *words: str) -> list[str]:
        return [call for call in (self.folder / "calls").read_text().splitlines() if call.startswith(" ".join(words))]

    def state(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return content

    def _write(self, state: Mapping[str, Any]) -> None:
        (self.folder / "state.json").write_text(json.dumps(state))


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path)


def test_only_a_changed_function_is_deployed_and_nobody_meets_it_yet(cloud: Cloud) -> None:
    cloud.change("verify")

    assert cloud.run("deploy") == 0
    assert [call.split()[2] for call in cloud.calls("run", "deploy")] == ["verify"]
    assert cloud.traffic("verify") == {"verify-old": 100}


def test_the_smoke_test_meets_every_candidate_before_anybody_else_does(cloud: Cloud) -> None:
    cloud.change("verify")

    assert cloud.run("deploy", "smoke", fails=1) != 0
    assert cloud.state()["tagged"] == {name: f"{name}-{'new' if name == 'verify' else 'old'}" for name in FUNCTIONS}
    assert cloud.traffic("verify") == {"verify-old": 100}
    (asked,) = (cloud.folder / "smokes").read_text().splitlines()
    assert "--candidate" in asked


def test_where_there_are_synthetic_people_one_of_them_tries_the_release(cloud: Cloud) -> None:
    assert cloud.run("deploy", "smoke", teacher="synthetic-teacher") == 0
    assert cloud.calls("secrets", "versions", "access", "latest", "--secret=synthetic-teacher")
    assert "--teacher=teacher.json" in (cloud.folder / "smokes").read_text()


def test_a_release_that_holds_gets_all_traffic_by_way_of_a_tenth(cloud: Cloud) -> None:
    cloud.change("verify")

    assert cloud.run("deploy", "promote", "record") == 0
    steps = [call for call in cloud.calls("run", "services", "update-traffic") if "revisions=verify-new" in call]
    assert [call.rpartition("=")[0].partition("--to-revisions=")[2] for call in steps] == [
        "verify-new=10,verify-old",
        "verify-new",
    ]
    assert cloud.traffic("verify") == {"verify-new": 100}
    assert cloud.traffic("login") == {"login-old": 100}


@pytest.mark.parametrize("fails", [1, 2])
def test_a_release_that_does_not_hold_goes_back_by_itself(cloud: Cloud, fails: int) -> None:
    cloud.change("verify")
    cloud.change("reset")

    assert cloud.run("deploy", "promote", fails=fails) != 0
    assert cloud.traffic("verify") == {"verify-old": 100}
    assert cloud.traffic("reset") == {"reset-old": 100}


def test_without_its_trap_a_release_that_does_not_hold_would_stay(cloud: Cloud) -> None:
    cloud.change("verify")

    assert cloud.run("deploy", "promote", fails=1, without="trap back ERR INT TERM") != 0
    assert cloud.traffic("verify") == {"verify-new": 10, "verify-old": 90}


def test_a_roll_back_sends_all_traffic_to_the_release_before(cloud: Cloud) -> None:
    cloud.change("worker")
    assert cloud.run("deploy", "promote", "record") == 0

    assert cloud.run("rollback", file=ROLLBACK) == 0
    assert cloud.traffic("worker") == {"worker-old": 100}


def test_a_roll_back_says_when_what_was_good_is_good_no_more(cloud: Cloud) -> None:
    cloud.change("worker")
    assert cloud.run("deploy", "promote", "record") == 0

    assert cloud.run("rollback", file=ROLLBACK, fails=3) != 0


def test_settings_that_terraform_changed_are_promoted_though_no_code_did(cloud: Cloud) -> None:
    state = cloud.state()
    state["newest"]["login"] = "login-settings"
    state["images"]["login-settings"] = "login@sha256:1"
    (cloud.folder / "state.json").write_text(json.dumps(state))

    assert cloud.run("deploy", "promote") == 0
    assert cloud.calls("run", "deploy") == []
    assert cloud.traffic("login") == {"login-settings": 100}
