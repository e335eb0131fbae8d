# What several functions are told. The defaults of functions/secciones/settings.py are the cloud's, so that only what has
# none stands here, and what Terraform has to know itself.

locals {
  # With a name in it: so functions can be told of one another, and of themselves.
  url_of_function = "https://%s-${data.google_project.this.number}.${var.region}.run.app"
  account         = "function-%s@${var.project}.iam.gserviceaccount.com"

  place = {
    project             = var.project
    region              = var.region
    url_of_function     = local.url_of_function
    deletion_protection = var.deletion_protection
    settings            = var.settings
  }

  # Every function that there is: a folder with a main.py.
  functions = toset([for file in fileset("${path.module}/../../functions", "*/main.py") : dirname(file)])

  common_settings = {
    GOOGLE_CLOUD_PROJECT = var.project
    FIRESTORE_DATABASE   = google_firestore_database.documents.name
    AUDIT_DATABASE       = google_firestore_database.audit.name
    AUDIT_RETENTION_DAYS = var.audit_retention_days
  }

  # A function works with the documents and adds to the audit, unless its own file says otherwise.
  database_roles = {
    "(default)" = google_project_iam_custom_role.documents.name
    audit       = google_project_iam_custom_role.audit.name
  }

  page_concurrency = 20

  page_settings = merge(local.common_settings, {
    PUBLIC_URL       = "https://${var.domain}"
    WORKSPACE_DOMAIN = var.workspace_domain
    INSTITUTION_NAME = var.institution_name
    SUPPORT_CONTACT  = var.support_contact
  })

  page_secrets = {
    SESSION_SECRET = google_secret_manager_secret.this["session"].secret_id
  }

  registry_settings = {
    REGISTRY  = var.registry
    SIGES_URL = var.siges_url
  }

  registry_secrets = {
    SIGES_TOKEN = google_secret_manager_secret.this["siges"].secret_id
  }

  queue_settings = {
    TASKS_QUEUE           = google_cloud_tasks_queue.resets.id
    WORKER_URL            = format(local.url_of_function, "worker")
    TASKS_SERVICE_ACCOUNT = google_service_account.tasks.email
  }

  directory_settings = {
    DELEGATED_ADMIN              = var.delegated_admin
    DIRECTORY_QUERIES_PER_MINUTE = var.directory_queries_per_minute
  }
}

resource "google_service_account" "scheduler" {
  project      = var.project
  account_id   = "scheduler"
  display_name = "Whom scheduled functions see as their caller"
}
