# Schools, sections and students of the teacher, from SIGES. It looks at the accounts of a section that is opened, on
# behalf of the delegated administrator (read-only scope), while workers are not busy.

module "sections" {
  source = "./modules/function"

  place          = local.place
  name           = "sections"
  description    = "Schools, sections and students"
  has_pages      = true
  database_roles = local.database_roles
  concurrency    = local.page_concurrency
  instances      = var.page_instances

  settings = merge(local.page_settings, local.registry_settings, local.directory_settings, {
    BATCH_LIMIT               = var.batch_limit
    STUDENTS_ORG_UNIT         = var.students_org_unit
    DIRECTORY_SERVICE_ACCOUNT = format(local.account, "sections")
    PAGE_INSTANCES            = var.page_instances.max
  })
  secrets = merge(local.page_secrets, local.registry_secrets)
}

resource "google_service_account_iam_member" "sections_signs" {
  service_account_id = module.sections.identity
  role               = google_project_iam_custom_role.signer.name
  member             = module.sections.member
}
