# Firestore: the documents, and apart from them the audit. What expires, vanishes.

locals {
  expiring = {
    documents = [
      "accounts", "allowances", "batches", "claims", "mirror", "outbox", "registry_imports", "registry_schools",
      "registry_sections", "registry_teachers", "resets", "seals", "selections", "sessions", "teachers", "throttles",
    ]
    audit = ["audit", "audit_chain"]
  }
  databases = {
    documents = google_firestore_database.documents.name
    audit     = google_firestore_database.audit.name
  }
}

resource "google_firestore_database" "documents" {
  project                           = var.project
  name                              = "(default)"
  location_id                       = var.firestore_location
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"

  depends_on = [google_project_service.apis]
}

resource "google_firestore_database" "audit" {
  project                           = var.project
  name                              = "audit"
  location_id                       = var.firestore_location
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"

  depends_on = [google_project_service.apis]
}

resource "google_firestore_field" "expiry" {
  for_each = merge([
    for store, collections in local.expiring : { for name in collections : name => local.databases[store] }
  ]...)

  project    = var.project
  database   = each.value
  collection = each.key
  field      = "expires_at"

  ttl_config {}

  # Nobody asks for documents by this field, and an index on a time that grows is a hot spot.
  index_config {}
}

# For the page that asks how many batches run.
resource "google_firestore_index" "batches_by_state" {
  project    = var.project
  database   = google_firestore_database.documents.name
  collection = "batches"

  fields {
    field_path = "state"
    order      = "ASCENDING"
  }

  fields {
    field_path = "created_at"
    order      = "ASCENDING"
  }
}

# For DUI and NIP, whose keyed hash at most one teacher may have.
resource "google_firestore_index" "teachers_by_numbers" {
  project    = var.project
  database   = google_firestore_database.documents.name
  collection = "registry_teachers"

  fields {
    field_path = "numbers"
    order      = "ASCENDING"
  }

  fields {
    field_path = "id"
    order      = "ASCENDING"
  }
}

resource "google_firestore_backup_schedule" "daily" {
  for_each = { documents = "604800s", audit = "8467200s" } # a week; fourteen weeks, the longest there is

  project   = var.project
  database  = local.databases[each.key]
  retention = each.value

  daily_recurrence {}
}

# Browsers and phones have no business here: the functions come through IAM, which rules do not bind.
resource "google_firebaserules_ruleset" "deny_all" {
  project = var.project

  source {
    files {
      name    = "firestore.rules"
      content = file("${path.module}/firestore.rules")
    }
  }

  depends_on = [google_project_service.apis]
}

resource "google_firebaserules_release" "deny_all" {
  for_each = { documents = "cloud.firestore", audit = "cloud.firestore/audit" }

  project      = var.project
  name         = each.value
  ruleset_name = google_firebaserules_ruleset.deny_all.name

  depends_on = [google_firestore_database.documents, google_firestore_database.audit]
}
