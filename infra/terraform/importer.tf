# Imports what the registry exports, for when SIGES cannot be asked. Exports come into the bucket's `incoming/`, from whom
# `registry_exporter` names; only Cloud Scheduler calls the function.

module "importer" {
  source = "./modules/function"

  place           = local.place
  name            = "importer"
  description     = "The registry as it is exported"
  database_roles  = local.database_roles
  timeout_seconds = 1800

  schedule = { cron = "*/5 * * * *", service_account = google_service_account.scheduler.email, retries = 0 }
  settings = merge(local.common_settings, { REGISTRY_BUCKET = google_storage_bucket.registry.name })
  secrets = {
    REGISTRY_SECRET = google_secret_manager_secret.this["registry"].secret_id
  }
}

resource "google_storage_bucket" "registry" {
  #checkov:skip=CKV_GCP_78: a version that is kept would be DUI and NIP in clear, which are to vanish once imported
  #checkov:skip=CKV_GCP_62: who touches it stands in Google's audit log, which audit.tf keeps, reads included

  project                     = var.project
  name                        = "${var.project}-registry"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # What was imported is removed at once, since it has DUI and NIP in clear. This is for what nobody came back to.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age            = 7
      matches_prefix = ["incoming/"]
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age            = 90
      matches_prefix = ["reports/", "reference/"]
    }
  }

  depends_on = [google_project_service.apis]
}

resource "google_storage_bucket_iam_member" "importer_keeps" {
  bucket = google_storage_bucket.registry.name
  role   = "roles/storage.objectUser"
  member = module.importer.member
}

resource "google_storage_bucket_iam_member" "exporter_delivers" {
  bucket = google_storage_bucket.registry.name
  role   = "roles/storage.objectCreator"
  member = var.registry_exporter

  condition {
    title      = "incoming"
    expression = "resource.name.startsWith('projects/_/buckets/${google_storage_bucket.registry.name}/objects/incoming/')"
  }
}
