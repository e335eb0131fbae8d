"""Who may do what, as README has it in one table: a grant more or less shows here."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from stage import function_names
from tests.infra.mutants import altered, without
from tests.infra.terraform import ROOT, Resource

PROJECT = "secciones-produccion"
RESOURCE_OF_GRANT = {
    "google_cloud_run_v2_service_iam_member": "name",
    "google_cloud_tasks_queue_iam_member": "name",
    "google_kms_crypto_key_iam_member": "crypto_key_id",
    "google_secret_manager_secret_iam_member": "secret_id",
    "google_service_account_iam_member": "service_account_id",
    "google_storage_bucket_iam_member": "bucket",
}
RELEASE_MAY_NOT = (
    "secretAccessor",
    "secretmanager.admin",
    "cryptoKeyDecrypter",
    "cryptoKeyEncrypter",
    "datastore.",
    "TokenCreator",
)
RELEASE_MAY_NOT_AT_ALL = {"`owner` on the project", "`editor` on the project"}
_ROW = re.compile(r"^\| `([\w-]+)` \| (`[^|]+) \|$", re.MULTILINE)


def _table() -> dict[str, set[str]]:
    text = (ROOT / "README.md").read_text().partition("### Who may do what")[2].partition("\n### ")[0]
    return {who: set(grants.split(", ")) for who, grants in _ROW.findall(text)}


TABLE = _table()


def _grants(resources: Sequence[Resource]) -> dict[str, set[str]]:
    keys = {found.values["id"]: found.values["name"] for found in resources if found.type == "google_kms_crypto_key"}
    grants: dict[str, set[str]] = {}
    for found in resources:
        if found.type.endswith(("_iam_member", "_iam_binding", "_iam_policy")):
            who = found.values["member"].rpartition(":")[2].partition("@")[0]
            role = found.values["role"].removeprefix("roles/").rpartition("/roles/")[2]
            grants.setdefault(who, set()).add(f"`{role}` on {_what(found, keys)}")
    return grants


def _what(grant: Resource, keys: Mapping[str, str]) -> str:
    values = grant.values
    if grant.type != "google_project_iam_member":
        name = values[RESOURCE_OF_GRANT[grant.type]]
        return _short(keys.get(name, name))
    if not values["condition"]:
        return "the project"
    expression = values["condition"][0]["expression"]
    if kept_from := re.fullmatch(r"!resource\.name\.startsWith\('projects/_/buckets/([^/]+)/objects/'\)", expression):
        return f"the project but {_short(kept_from.group(1))}"
    database = re.search(r"/databases/([^']+)'", expression)
    assert database
    return f"`{database.group(1)}`"


def _short(name: str) -> str:
    return f"`{re.sub('^secciones-[a-z]+-', 'PROJECT-', name.rpartition('/')[2].partition('@')[0])}`"


def test_nobody_may_do_more_than_the_table_in_readme_says_or_less(production: list[Resource]) -> None:
    assert _grants(production) == TABLE


@pytest.mark.parametrize("function", function_names())
def test_every_function_is_in_the_table(function: str) -> None:
    assert f"function-{function}" in TABLE, "README, 'Who may do what', has no row for it"


def test_both_environments_have_the_same_grants(production: list[Resource], trial: list[Resource]) -> None:
    assert _grants(trial) == _grants(production)


def test_only_the_worker_opens_seals_and_signs_for_the_mail(production: list[Resource]) -> None:
    grants = _grants(production)

    def who(grant: str) -> set[str]:
        return {name for name in grants if grant in grants[name]}

    assert who("`cloudkms.cryptoKeyDecrypter` on `seeds`") == {"function-worker"}
    assert who("`cloudkms.cryptoKeyEncrypter` on `seeds`") == {"function-reset"}
    assert who("`seccionesSigner` on `mail-sender`") == {"function-worker"}
    minted = {(name, grant) for name in grants for grant in grants[name] if "TokenCreator" in grant}
    assert minted == {("secciones-operadores", "`iam.serviceAccountTokenCreator` on `operators`")}


def test_whoever_works_with_documents_is_kept_to_one_database(production: list[Resource]) -> None:
    for grant in (
        found for found in production if found.address.startswith("module.") and "databases" in found.address
    ):
        expression = grant.values["condition"][0]["expression"]
        databases = set(re.findall(r"/databases/([^/']+)", expression))
        assert len(databases) == 1, grant.address


def test_the_release_reads_no_secret_opens_no_seal_and_reads_no_document(production: list[Resource]) -> None:
    grants = _grants(production)["release"] - {"`secretmanager.secretAccessor` on `synthetic-teacher`"}
    keepers = [found.values for found in production if found.values.get("role_id", "").endswith("Keeper")]
    kept = [permission for keeper in keepers for permission in keeper["permissions"]]

    assert {f"`{keeper['role_id']}` on the project" for keeper in keepers} <= grants
    assert not grants & RELEASE_MAY_NOT_AT_ALL
    assert {grant for grant in grants if "storage." in grant} == {
        "`storage.admin` on the project but `PROJECT-registry`"
    }
    assert not [grant for grant in grants for word in RELEASE_MAY_NOT if word in grant]
    assert not [permission for permission in kept if "entities" in permission or "versions.access" in permission]


@pytest.mark.parametrize(
    ("role", "permissions"),
    [("audit", {"create"}), ("audit_sealer", {"create", "get", "list"}), ("audit_reader", {"get", "list"})],
)
def test_nobody_changes_or_deletes_what_is_in_the_audit(
    role: str, permissions: set[str], production: list[Resource]
) -> None:
    found = next(found for found in production if found.address == f"google_project_iam_custom_role.{role}")

    assert set(found.values["permissions"]) == {f"datastore.entities.{permission}" for permission in permissions}


def test_every_function_has_an_account_of_its_own(production: list[Resource]) -> None:
    accounts = {
        found.address.split(".")[1]: found.values["template"][0]["service_account"]
        for found in production
        if found.type == "google_cloud_run_v2_service"
    }

    assert accounts == {name: f"function-{name}@{PROJECT}.iam.gserviceaccount.com" for name in function_names()}


def test_the_names_of_accounts_are_ones_that_google_takes(production: list[Resource]) -> None:
    for account in (found for found in production if found.type == "google_service_account"):
        assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", account.values["account_id"]), account.address


def test_seeds_are_sealed_by_a_key_in_hardware_that_is_renewed_every_month(production: list[Resource]) -> None:
    key = next(found.values for found in production if found.type == "google_kms_crypto_key")

    assert key["version_template"][0]["protection_level"] == "HSM"
    assert key["rotation_period"] == f"{30 * 24 * 3600}s"


# A grant more, a grant less, and each rule broken on purpose.


def _granted(resources: list[Resource], address: str, role: str) -> list[Resource]:
    def alter(values: dict[str, Any]) -> None:
        values["role"] = role

    return altered(resources, address, alter)


def test_a_missing_grant_is_found(production: list[Resource]) -> None:
    mutant = without(production, "google_cloud_tasks_queue_iam_member.reset_enqueues")

    with pytest.raises(AssertionError):
        test_nobody_may_do_more_than_the_table_in_readme_says_or_less(mutant)


def test_a_wider_grant_is_found(production: list[Resource]) -> None:
    opener = _granted(
        production, "google_kms_crypto_key_iam_member.reset_seals", "roles/cloudkms.cryptoKeyEncrypterDecrypter"
    )
    decrypter = _granted(
        production, "google_kms_crypto_key_iam_member.reset_seals", "roles/cloudkms.cryptoKeyDecrypter"
    )

    with pytest.raises(AssertionError):
        test_nobody_may_do_more_than_the_table_in_readme_says_or_less(opener)
    with pytest.raises(AssertionError):
        test_only_the_worker_opens_seals_and_signs_for_the_mail(decrypter)


def test_a_grant_on_every_database_is_found(production: list[Resource]) -> None:
    mutant = altered(
        production,
        'module.auditor.google_project_iam_member.databases["audit"]',
        lambda values: values.update(condition=[]),
    )

    with pytest.raises(AssertionError):
        test_nobody_may_do_more_than_the_table_in_readme_says_or_less(mutant)


def test_a_writer_of_the_audit_that_deletes_is_found(production: list[Resource]) -> None:
    mutant = altered(
        production,
        "google_project_iam_custom_role.audit",
        lambda values: values["permissions"].append("datastore.entities.delete"),
    )

    with pytest.raises(AssertionError):
        test_nobody_changes_or_deletes_what_is_in_the_audit("audit", {"create"}, mutant)


def test_a_release_that_reads_secrets_is_found(production: list[Resource]) -> None:
    mutant = _granted(production, 'google_project_iam_member.release["roles/run.admin"]', "roles/secretmanager.admin")

    with pytest.raises(AssertionError):
        test_the_release_reads_no_secret_opens_no_seal_and_reads_no_document(mutant)


def test_a_key_in_software_is_found(production: list[Resource]) -> None:
    mutant = altered(
        production,
        "google_kms_crypto_key.seeds",
        lambda values: values["version_template"][0].update(protection_level="SOFTWARE"),
    )

    with pytest.raises(AssertionError):
        test_seeds_are_sealed_by_a_key_in_hardware_that_is_renewed_every_month(mutant)
