# Schools, sections and students of the teacher, from SIGES.

module "sections" {
  source = "./modules/function"

  place          = local.place
  name           = "sections"
  description    = "Schools, sections and students"
  has_pages      = true
  database_roles = local.database_roles
  concurrency    = local.page_concurrency
  instances      = var.page_instances

  settings = merge(local.page_settings, local.registry_settings, { BATCH_LIMIT = var.batch_limit })
  secrets  = merge(local.page_secrets, local.registry_secrets)
}
