# Roles with exactly the permissions that the code uses, where Google's own have more.

resource "google_project_iam_custom_role" "documents" {
  project     = var.project
  role_id     = "seccionesDocuments"
  title       = "Secciones: documents"
  description = "Read, write and delete documents; no export, no indexes, no databases"
  permissions = [
    "datastore.databases.get",
    "datastore.entities.create",
    "datastore.entities.delete",
    "datastore.entities.get",
    "datastore.entities.list",
    "datastore.entities.update",
  ]
}

resource "google_project_iam_custom_role" "audit" {
  project     = var.project
  role_id     = "seccionesAudit"
  title       = "Secciones: writer of the audit"
  description = "Create documents; not read, change or delete them"
  permissions = ["datastore.entities.create"]
}

resource "google_project_iam_custom_role" "audit_sealer" {
  project     = var.project
  role_id     = "seccionesAuditSealer"
  title       = "Secciones: sealer of the audit"
  description = "Create documents, and read the events that are sealed; not change or delete them"
  permissions = ["datastore.entities.create", "datastore.entities.get", "datastore.entities.list"]
}

resource "google_project_iam_custom_role" "audit_reader" {
  project     = var.project
  role_id     = "seccionesAuditReader"
  title       = "Secciones: reader of the audit"
  description = "Read documents, and nothing else"
  permissions = ["datastore.entities.get", "datastore.entities.list"]
}

resource "google_project_iam_custom_role" "signer" {
  project     = var.project
  role_id     = "seccionesSigner"
  title       = "Secciones: signer"
  description = "Sign as a service account, for domain-wide delegation; not mint tokens for it"
  permissions = ["iam.serviceAccounts.signBlob"]
}

resource "google_project_iam_custom_role" "firestore_keeper" {
  project     = var.project
  role_id     = "seccionesFirestoreKeeper"
  title       = "Secciones: keeper of Firestore"
  description = "Make and change databases, fields and backup schedules; not a single document"
  permissions = [
    "datastore.backupSchedules.create",
    "datastore.backupSchedules.delete",
    "datastore.backupSchedules.get",
    "datastore.backupSchedules.list",
    "datastore.backupSchedules.update",
    "datastore.databases.create",
    "datastore.databases.get",
    "datastore.databases.getMetadata",
    "datastore.databases.list",
    "datastore.databases.update",
    "datastore.indexes.create",
    "datastore.indexes.delete",
    "datastore.indexes.get",
    "datastore.indexes.list",
    "datastore.indexes.update",
    "datastore.locations.get",
    "datastore.locations.list",
    "datastore.operations.get",
    "datastore.operations.list",
  ]
}

# Google's Secret Manager Admin reads the values as well.
resource "google_project_iam_custom_role" "secret_keeper" {
  project     = var.project
  role_id     = "seccionesSecretKeeper"
  title       = "Secciones: keeper of secrets"
  description = "Make secrets and say who reads them; not their values"
  permissions = [
    "secretmanager.locations.get",
    "secretmanager.locations.list",
    "secretmanager.secrets.create",
    "secretmanager.secrets.delete",
    "secretmanager.secrets.get",
    "secretmanager.secrets.getIamPolicy",
    "secretmanager.secrets.list",
    "secretmanager.secrets.setIamPolicy",
    "secretmanager.secrets.update",
  ]
}
