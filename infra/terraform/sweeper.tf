# Looks after batches that were left behind, and seals what is new in the audit, every minute. Only Cloud Scheduler calls
# it.

module "sweeper" {
  source = "./modules/function"

  project         = var.project
  region          = var.region
  name            = "sweeper"
  description     = "Batches that were left behind; the chain of the audit"
  database_roles  = merge(local.database_roles, { audit = google_project_iam_custom_role.audit_sealer.name })
  callers         = { scheduler = google_service_account.scheduler.member }
  ingress         = "INGRESS_TRAFFIC_ALL" # Cloud Scheduler comes from outside; without its token nobody gets in
  concurrency     = 1
  timeout_seconds = 300
  instances       = { min = 0, max = 1 }

  settings = merge(local.common_settings, local.queue_settings, {
    SWEEPER_URL               = local.urls["sweeper"]
    SCHEDULER_SERVICE_ACCOUNT = google_service_account.scheduler.email
  }, lookup(var.settings, "sweeper", {}))

  deletion_protection = var.deletion_protection
}

resource "google_cloud_tasks_queue_iam_member" "sweeper_enqueues" {
  project  = var.project
  location = var.region
  name     = google_cloud_tasks_queue.resets.name
  role     = "roles/cloudtasks.enqueuer"
  member   = module.sweeper.member
}

resource "google_service_account_iam_member" "sweeper_names_tasks" {
  service_account_id = google_service_account.tasks.name
  role               = "roles/iam.serviceAccountUser"
  member             = module.sweeper.member
}

resource "google_service_account" "scheduler" {
  project      = var.project
  account_id   = "scheduler"
  display_name = "Whom sweeper and auditor see as their caller"
}

resource "google_cloud_scheduler_job" "sweep" {
  project          = var.project
  region           = var.region
  name             = "sweep"
  schedule         = "* * * * *"
  time_zone        = "America/El_Salvador"
  attempt_deadline = "300s"

  http_target {
    http_method = "POST"
    uri         = local.urls["sweeper"]

    oidc_token {
      service_account_email = google_service_account.scheduler.email
      audience              = local.urls["sweeper"]
    }
  }

  retry_config {
    retry_count = 0 # the next minute is the retry
  }

  depends_on = [google_project_service.apis]
}
