# Holds the audit against its chain, every night. It reads the audit's database and nothing else; only Cloud Scheduler
# calls it.

module "auditor" {
  source = "./modules/function"

  project         = var.project
  region          = var.region
  name            = "auditor"
  description     = "The audit against its chain"
  database_roles  = { audit = google_project_iam_custom_role.audit_reader.name }
  callers         = { scheduler = google_service_account.scheduler.member }
  ingress         = "INGRESS_TRAFFIC_ALL" # Cloud Scheduler comes from outside; without its token nobody gets in
  concurrency     = 1
  memory          = "1Gi"
  timeout_seconds = 1800
  instances       = { min = 0, max = 1 }

  settings = merge(local.common_settings, {
    AUDITOR_URL               = local.urls["auditor"]
    SCHEDULER_SERVICE_ACCOUNT = google_service_account.scheduler.email
  }, lookup(var.settings, "auditor", {}))

  deletion_protection = var.deletion_protection
}

resource "google_cloud_scheduler_job" "audit" {
  project          = var.project
  region           = var.region
  name             = "audit"
  schedule         = "15 2 * * *"
  time_zone        = "America/El_Salvador"
  attempt_deadline = "1800s"

  http_target {
    http_method = "POST"
    uri         = local.urls["auditor"]

    oidc_token {
      service_account_email = google_service_account.scheduler.email
      audience              = local.urls["auditor"]
    }
  }

  retry_config {
    retry_count          = 3
    min_backoff_duration = "60s"
  }

  depends_on = [google_project_service.apis]
}
