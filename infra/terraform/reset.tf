# Procesar: seals the seed of a batch, which it cannot open, and makes the task.

module "reset" {
  source = "./modules/function"

  place          = local.place
  name           = "reset"
  description    = "Batches: submit, progress, result"
  has_pages      = true
  database_roles = local.database_roles
  concurrency    = local.page_concurrency
  instances      = var.page_instances

  settings = merge(local.page_settings, local.registry_settings, local.queue_settings, {
    SEAL_KEY               = google_kms_crypto_key.seeds.id
    BATCH_LIMIT            = var.batch_limit
    BATCH_DEADLINE_MINUTES = var.batch_deadline_minutes
  })
  secrets = merge(local.page_secrets, local.registry_secrets)
}

resource "google_kms_crypto_key_iam_member" "reset_seals" {
  crypto_key_id = google_kms_crypto_key.seeds.id
  role          = "roles/cloudkms.cryptoKeyEncrypter"
  member        = module.reset.member
}

resource "google_cloud_tasks_queue_iam_member" "reset_enqueues" {
  project  = var.project
  location = var.region
  name     = google_cloud_tasks_queue.resets.name
  role     = "roles/cloudtasks.enqueuer"
  member   = module.reset.member
}

# Whoever makes a task names whose token it carries, and has to be allowed to.
resource "google_service_account_iam_member" "reset_names_tasks" {
  service_account_id = google_service_account.tasks.name
  role               = "roles/iam.serviceAccountUser"
  member             = module.reset.member
}

# A teacher's own batches, the newest first.
resource "google_firestore_index" "own_batches" {
  project     = var.project
  database    = google_firestore_database.documents.name
  collection  = "batches"
  query_scope = "COLLECTION"

  fields {
    field_path = "actor"
    order      = "ASCENDING"
  }

  fields {
    field_path = "created_at"
    order      = "DESCENDING"
  }
}
