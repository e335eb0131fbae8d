# What several functions are told. The defaults of functions/secciones/settings.py are the cloud's, so that only what has
# none stands here, and what Terraform has to know itself.

locals {
  urls = {
    for name in ["worker", "sweeper", "auditor"] :
    name => "https://${name}-${data.google_project.this.number}.${var.region}.run.app"
  }

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

  page_settings = merge(local.common_settings, {
    PUBLIC_URL       = "https://${var.domain}"
    WORKSPACE_DOMAIN = var.workspace_domain
    INSTITUTION_NAME = var.institution_name
  })

  page_secrets = {
    SESSION_SECRET = google_secret_manager_secret.this["session"].secret_id
  }

  registry_settings = {
    SIGES_URL = var.siges_url
  }

  registry_secrets = {
    SIGES_TOKEN = google_secret_manager_secret.this["siges"].secret_id
  }

  queue_settings = {
    TASKS_QUEUE           = google_cloud_tasks_queue.resets.id
    WORKER_URL            = local.urls["worker"]
    TASKS_SERVICE_ACCOUNT = google_service_account.tasks.email
  }

  directory_settings = {
    DELEGATED_ADMIN              = var.delegated_admin
    DIRECTORY_QUERIES_PER_MINUTE = var.directory_queries_per_minute
  }

  # Its own service account signs for a function, so that a grant of domain-wide delegation is that function's alone.
  signer = { for name in ["login", "worker"] : name => "${name}@${var.project}.iam.gserviceaccount.com" }
}
