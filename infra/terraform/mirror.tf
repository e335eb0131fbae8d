# Keeps what pages have to know of accounts, however busy the Directory is: reads all accounts on behalf of the
# delegated administrator (read-only scope). Only Cloud Scheduler calls it.

module "mirror" {
  source = "./modules/function"

  place           = local.place
  name            = "mirror"
  description     = "The mirror of the Directory"
  database_roles  = local.database_roles
  timeout_seconds = 300

  # The next five minutes are the next try.
  schedule = { cron = "*/5 * * * *", service_account = google_service_account.scheduler.email, retries = 0 }
  settings = merge(local.common_settings, local.directory_settings, {
    STUDENTS_ORG_UNIT         = var.students_org_unit
    DIRECTORY_SERVICE_ACCOUNT = format(local.account, "mirror")
  })
}

resource "google_service_account_iam_member" "mirror_signs" {
  service_account_id = module.mirror.identity
  role               = google_project_iam_custom_role.signer.name
  member             = module.mirror.member
}
