"""What is written is Terraform, and says what the google provider understands."""

import re

import pytest

from secciones.web.headers import HEADERS
from tests.infra.provider_schema import provider_version
from tests.infra.terraform import ENVIRONMENTS, ROOT, SOURCE, Resource, Terraform
from tests.infra.test_functions import settings_of


def test_the_files_are_formatted(infrastructure: Terraform) -> None:
    outcome = infrastructure.run("fmt", "-check", "-diff", "-recursive", str(SOURCE))

    assert outcome.code == 0, outcome.stdout


def test_terraform_and_the_providers_schema_find_no_mistake(infrastructure: Terraform) -> None:
    assert infrastructure.mistakes() == []


@pytest.mark.parametrize(
    ("file", "right", "wrong", "says"),
    [
        ("worker.tf", "max_attempts ", "max_atempts ", 'An argument named "max_atempts" is not expected here'),
        ("worker.tf", "rate_limits {", "rate_limit {", 'Blocks of type "rate_limit" are not expected here'),
        ("secrets.tf", "key_ring                   = ", "# ", 'The argument "key_ring" is required'),
        ("worker.tf", "module.worker.member", "module.worker.membre", 'does not have an attribute named "membre"'),
        (
            "worker.tf",
            "google_service_account.mail.email",
            "google_service_account.mail.adress",
            "no argument, nested block",
        ),
        ("front_door.tf", "cdn_policy {", "cdn_policy {\n    colour = 1", 'An argument named "colour" is not expected'),
        ("armor.tf", "    priority    = 100\n", "", 'The argument "priority" is required'),
        (
            "store.tf",
            '"google_firestore_field" "expiry"',
            '"google_firestore_feild" "expiry"',
            "does not support resource type",
        ),
    ],
)
def test_a_slip_is_found(infrastructure: Terraform, file: str, right: str, wrong: str, says: str) -> None:
    path = infrastructure.folder / file
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong, 1))
    try:
        mistakes = infrastructure.mistakes()
    finally:
        path.write_text(text)

    assert any(says in mistake for mistake in mistakes), mistakes


def test_the_schema_is_of_the_provider_that_is_pinned() -> None:
    pinned = re.findall(r'^ +version = "([^"]+)"', (SOURCE / "versions.tf").read_text(), re.MULTILINE)

    assert pinned == [provider_version()]


def test_the_environments_differ_by_variables_alone(production: list[Resource], trial: list[Resource]) -> None:
    def addresses(resources: list[Resource]) -> set[str]:
        named_by_variables = ("google_cloudbuild_trigger.", "google_monitoring_notification_channel.")
        return {found.address for found in resources if not found.address.startswith(named_by_variables)}

    assert ENVIRONMENTS == ["produccion", "pruebas"]
    assert addresses(production) == addresses(trial)


def test_the_environments_share_the_quota_of_the_directory(production: list[Resource], trial: list[Resource]) -> None:
    assert (
        sum(int(settings_of(found, "worker")["DIRECTORY_QUERIES_PER_MINUTE"]) for found in (production, trial)) <= 2400
    )


def test_nothing_of_an_environment_names_the_other(production: list[Resource]) -> None:
    assert "pruebas" not in repr([found.values for found in production])


def test_there_is_no_key_file_and_no_secret_value_in_the_repository() -> None:
    ours = [file for folder in ("functions", "infra", "tests", "web") for file in (ROOT / folder).rglob("*")]
    text = "\n".join(file.read_text() for file in SOURCE.rglob("*.tf*") if file.is_file())

    assert [file for file in ours if file.suffix in {".pem", ".p12", ".key", ".tfstate"}] == []
    assert not re.search(r'"google_service_account_key"|"google_secret_manager_secret_version"|PRIVATE KEY', text)


def test_every_answer_carries_the_headers_that_the_pages_carry(production: list[Resource]) -> None:
    (url_map,) = [
        found for found in production if found.type == "google_compute_url_map" and found.values["name"] == "https"
    ]
    added = url_map.values["header_action"][0]["response_headers_to_add"]
    pages = {name: value for name, value in HEADERS.items() if name != "Cache-Control"}

    assert {header["header_name"]: header["header_value"] for header in added} == pages
    assert all(header["replace"] for header in added)
