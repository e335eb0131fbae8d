# Looks after batches that were left behind, and seals what is new in the audit. Only Cloud Scheduler calls it.

module "sweeper" {
  source = "./modules/function"

  place           = local.place
  name            = "sweeper"
  description     = "Batches that were left behind; the chain of the audit"
  database_roles  = merge(local.database_roles, { audit = google_project_iam_custom_role.audit_sealer.name })
  timeout_seconds = 300

  # The next minute is the next try.
  schedule = { cron = "* * * * *", service_account = google_service_account.scheduler.email, retries = 0 }
  settings = merge(local.common_settings, local.queue_settings)
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
