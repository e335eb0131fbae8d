"""Who may do what, as one table: a grant more or less shows here."""

import pytest

from infra.local.configuration import FUNCTIONS
from tests.infra.terraform import Resource

PROJECT = "secciones-produccion"
RESOURCE_OF_GRANT = {
    "google_cloud_run_v2_service_iam_member": "name",
    "google_cloud_tasks_queue_iam_member": "name",
    "google_kms_crypto_key_iam_member": "crypto_key_id",
    "google_secret_manager_secret_iam_member": "secret_id",
    "google_service_account_iam_member": "service_account_id",
    "google_storage_bucket_iam_member": "bucket",
}
PAGES_AND_WORKER = {"project (default): seccionesDocuments", "project audit: seccionesAudit"}
GRANTS = {
    "login": PAGES_AND_WORKER
    | {"login: seccionesSigner", "oidc-client: secretmanager.secretAccessor", "session: secretmanager.secretAccessor"},
    "verify": PAGES_AND_WORKER
    | {f"{secret}: secretmanager.secretAccessor" for secret in ("pseudonym", "session", "siges")},
    "sections": PAGES_AND_WORKER | {f"{secret}: secretmanager.secretAccessor" for secret in ("session", "siges")},
    "reset": PAGES_AND_WORKER
    | {f"{secret}: secretmanager.secretAccessor" for secret in ("session", "siges")}
    | {"seeds: cloudkms.cryptoKeyEncrypter", "resets: cloudtasks.enqueuer", "tasks: iam.serviceAccountUser"},
    "worker": PAGES_AND_WORKER
    | {"seeds: cloudkms.cryptoKeyDecrypter", "worker: seccionesSigner", "mail: seccionesSigner"},
    "sweeper": {
        "project (default): seccionesDocuments",
        "project audit: seccionesAuditSealer",
        "resets: cloudtasks.enqueuer",
        "tasks: iam.serviceAccountUser",
    },
    "auditor": {"project audit: seccionesAuditReader"},
    "tasks": {"worker: run.invoker"},
    "scheduler": {"sweeper: run.invoker", "auditor: run.invoker"},
    "allUsers": {
        *(f"{function}: run.invoker" for function in ("login", "verify", "sections", "reset")),
        f"{PROJECT}-static: storage.legacyObjectReader",
    },
}
RELEASE_MAY_NOT = (
    "secretAccessor",
    "secretmanager.admin",
    "cryptoKeyDecrypter",
    "cryptoKeyEncrypter",
    "datastore.",
    "TokenCreator",
)
RELEASE_MAY_NOT_AT_ALL = {"project: owner", "project: editor"}


def _grants(resources: list[Resource]) -> dict[str, set[str]]:
    keys = {found.values["id"]: found.values["name"] for found in resources if found.type == "google_kms_crypto_key"}
    grants: dict[str, set[str]] = {}
    for found in resources:
        if not found.type.endswith(("_iam_member", "_iam_binding", "_iam_policy")):
            continue
        values = found.values
        if found.type == "google_project_iam_member":
            condition = values["condition"]
            database = condition[0]["expression"].split("'")[1].rpartition("/")[2] if condition else ""
            on = f"project {database}".strip()
        else:
            on = values[RESOURCE_OF_GRANT[found.type]]
        name = keys.get(on, on).rpartition("/")[2].partition("@")[0]
        who = values["member"].removeprefix("serviceAccount:").partition("@")[0]
        role = values["role"].removeprefix("roles/").rpartition("/roles/")[2]
        grants.setdefault(who, set()).add(f"{name}: {role}")
    return grants


@pytest.mark.parametrize("who", GRANTS)
def test_nobody_may_do_more_than_the_table_says_or_less(who: str, production: list[Resource]) -> None:
    assert _grants(production)[who] == GRANTS[who]


def test_nobody_else_may_do_anything(production: list[Resource]) -> None:
    assert set(_grants(production)) == {*GRANTS, "release"}


def test_the_release_reads_no_secret_opens_no_seal_and_reads_no_document(production: list[Resource]) -> None:
    grants = _grants(production)["release"]
    keepers = [found.values for found in production if found.values.get("role_id", "").endswith("Keeper")]
    kept = [permission for keeper in keepers for permission in keeper["permissions"]]

    assert {f"project: {keeper['role_id']}" for keeper in keepers} <= grants
    assert not grants & RELEASE_MAY_NOT_AT_ALL
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

    assert accounts == {name: f"{name}@{PROJECT}.iam.gserviceaccount.com" for name in FUNCTIONS}


def test_seeds_are_sealed_by_a_key_in_hardware_that_is_renewed_every_month(production: list[Resource]) -> None:
    key = next(found.values for found in production if found.type == "google_kms_crypto_key")

    assert key["version_template"][0]["protection_level"] == "HSM"
    assert key["rotation_period"] == f"{30 * 24 * 3600}s"
