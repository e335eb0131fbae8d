# Holds the audit against its chain, every night. It reads the audit's database and nothing else; only Cloud Scheduler
# calls it.

module "auditor" {
  source = "./modules/function"

  place           = local.place
  name            = "auditor"
  description     = "The audit against its chain"
  database_roles  = { audit = google_project_iam_custom_role.audit_reader.name }
  memory          = "1Gi"
  timeout_seconds = 1800

  schedule = { cron = "15 2 * * *", service_account = google_service_account.scheduler.email, retries = 3 }
  settings = local.common_settings
}
