# DUI and NIP against SIGES.

module "verify" {
  source = "./modules/function"

  project        = var.project
  region         = var.region
  name           = "verify"
  description    = "Identity by DUI and NIP"
  database_roles = local.database_roles
  callers        = { everyone = "allUsers" }
  instances      = var.page_instances

  settings = merge(local.page_settings, local.registry_settings, lookup(var.settings, "verify", {}))
  secrets = merge(local.page_secrets, local.registry_secrets, {
    PSEUDONYM_SECRET = google_secret_manager_secret.this["pseudonym"].secret_id
  })

  deletion_protection = var.deletion_protection
}
