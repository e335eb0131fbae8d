# The operators' desk: unlock, release, re-send, report, pause. Only `operators` calls it, whom only operators may become.

module "operate" {
  source = "./modules/function"

  place          = local.place
  name           = "operate"
  description    = "The operators' desk"
  database_roles = local.database_roles
  callers        = { operators = google_service_account.operators.member }
  ingress        = "INGRESS_TRAFFIC_ALL" # operators are wherever they are; without their token nobody gets in

  settings = merge(local.common_settings, local.queue_settings, {
    OPERATE_URL               = format(local.url_of_function, "operate")
    OPERATORS_SERVICE_ACCOUNT = google_service_account.operators.email
  })
  secrets = {
    PSEUDONYM_SECRET = google_secret_manager_secret.this["pseudonym"].secret_id
  }
}

resource "google_cloud_tasks_queue_iam_member" "operate_enqueues" {
  project  = var.project
  location = var.region
  name     = google_cloud_tasks_queue.resets.name
  role     = "roles/cloudtasks.enqueuer"
  member   = module.operate.member
}

resource "google_service_account_iam_member" "operate_names_tasks" {
  service_account_id = google_service_account.tasks.name
  role               = "roles/iam.serviceAccountUser"
  member             = module.operate.member
}

resource "google_service_account" "operators" {
  project      = var.project
  account_id   = "operators"
  display_name = "Whom operate sees as its caller; operators become it for a moment, and Cloud Audit Logs say who"
}

resource "google_service_account_iam_member" "operators" {
  service_account_id = google_service_account.operators.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = var.operators
}

resource "google_firestore_index" "operate" {
  for_each = {
    batches  = [["teacher_address", "ASCENDING"], ["created_at", "DESCENDING"]]
    sessions = [["actor", "ASCENDING"], ["opened_at", "ASCENDING"]]
  }

  project     = var.project
  database    = google_firestore_database.documents.name
  collection  = each.key
  query_scope = "COLLECTION"

  dynamic "fields" {
    for_each = each.value

    content {
      field_path = fields.value[0]
      order      = fields.value[1]
    }
  }
}
