# DUI and NIP against the registry.

module "verify" {
  source = "./modules/function"

  place          = local.place
  name           = "verify"
  description    = "Identity by DUI and NIP"
  has_pages      = true
  database_roles = local.database_roles
  concurrency    = local.page_concurrency
  instances      = var.page_instances

  settings = merge(local.page_settings, local.registry_settings)
  secrets = merge(local.page_secrets, local.registry_secrets, {
    PSEUDONYM_SECRET = google_secret_manager_secret.this["pseudonym"].secret_id
    REGISTRY_SECRET  = google_secret_manager_secret.this["registry"].secret_id
  })
}
