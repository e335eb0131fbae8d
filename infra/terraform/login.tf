# The way in: reads the account of who signs in, on behalf of the delegated administrator (read-only scope).

module "login" {
  source = "./modules/function"

  place          = local.place
  name           = "login"
  description    = "Sign-in, sign-out, guide"
  has_pages      = true
  database_roles = local.database_roles
  concurrency    = local.page_concurrency
  instances      = var.page_instances

  settings = merge(local.page_settings, local.directory_settings, {
    OIDC_CLIENT_ID            = var.oidc_client_id
    TEACHERS_ORG_UNIT         = var.teachers_org_unit
    REQUIRE_TWO_STEP          = tostring(var.require_two_step)
    DIRECTORY_SERVICE_ACCOUNT = format(local.account, "login")
  })
  secrets = merge(local.page_secrets, {
    OIDC_CLIENT_SECRET = google_secret_manager_secret.this["oidc-client"].secret_id
  })
}

resource "google_service_account_iam_member" "login_signs" {
  service_account_id = module.login.identity
  role               = google_project_iam_custom_role.signer.name
  member             = module.login.member
}
