# Schools, sections and students of the teacher, from SIGES.

module "sections" {
  source = "./modules/function"

  project        = var.project
  region         = var.region
  name           = "sections"
  description    = "Schools, sections and students"
  database_roles = local.database_roles
  callers        = { everyone = "allUsers" }
  instances      = var.page_instances

  settings = merge(local.page_settings, local.registry_settings, { BATCH_LIMIT = var.batch_limit }, lookup(var.settings, "sections", {}))
  secrets  = merge(local.page_secrets, local.registry_secrets)

  deletion_protection = var.deletion_protection
}
