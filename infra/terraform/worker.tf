# Brings batches to their end: opens seeds, sets passwords, mails. Only Cloud Tasks calls it.

locals {
  # The Directory's quota, divided once, by the formula of functions/secciones/domain/quota.py: the queue lets so many
  # batches run at a time, and each worker keeps to that share of the quota. So an instance has one batch at a time: two
  # would share its pace, and a part of the quota would lie idle.
  workers = max(1, floor(floor(var.directory_queries_per_minute * 0.95) / 540))
}

module "worker" {
  source = "./modules/function"

  place           = local.place
  name            = "worker"
  description     = "Batches: passwords and mail"
  database_roles  = local.database_roles
  callers         = { queue = google_service_account.tasks.member }
  concurrency     = 1
  memory          = "1Gi"
  timeout_seconds = 600 # as long as the queue waits for an answer
  instances       = { min = 0, max = local.workers }

  settings = merge(local.common_settings, local.directory_settings, {
    PUBLIC_URL                = "https://${var.domain}"
    INSTITUTION_NAME          = var.institution_name
    SUPPORT_CONTACT           = var.support_contact
    STUDENTS_ORG_UNIT         = var.students_org_unit
    SEAL_KEY                  = google_kms_crypto_key.seeds.id
    WORKER_URL                = format(local.url_of_function, "worker")
    WORKER_CONCURRENCY        = local.workers
    CALLER_SIGNATURES         = "removed" # Cloud Run checks the token and takes its signature off
    TASKS_SERVICE_ACCOUNT     = google_service_account.tasks.email
    DIRECTORY_SERVICE_ACCOUNT = format(local.account, "worker")
    MAIL_SERVICE_ACCOUNT      = google_service_account.mail.email
    MAIL_SENDER               = var.mail_sender
  })
}

resource "google_kms_crypto_key_iam_member" "worker_opens" {
  crypto_key_id = google_kms_crypto_key.seeds.id
  role          = "roles/cloudkms.cryptoKeyDecrypter"
  member        = module.worker.member
}

resource "google_service_account_iam_member" "worker_signs" {
  service_account_id = module.worker.identity
  role               = google_project_iam_custom_role.signer.name
  member             = module.worker.member
}

# A grant of delegation holds for all that an account does: mail has one of its own, with the scope to send alone.
resource "google_service_account" "mail" {
  project      = var.project
  account_id   = "mail-sender"
  display_name = "Delegation for mail; signed for by the worker"
}

resource "google_service_account_iam_member" "worker_signs_mail" {
  service_account_id = google_service_account.mail.name
  role               = google_project_iam_custom_role.signer.name
  member             = module.worker.member
}

resource "google_service_account" "tasks" {
  project      = var.project
  account_id   = "task-queue"
  display_name = "Whom the worker sees as its caller"
}

resource "google_cloud_tasks_queue" "resets" {
  project  = var.project
  location = var.region
  name     = "resets"

  rate_limits {
    max_concurrent_dispatches = local.workers
    max_dispatches_per_second = local.workers
  }

  # A task is dropped when both limits are passed. The sweeper brings a batch that has none any more.
  retry_config {
    max_attempts       = 20
    max_retry_duration = "${var.batch_deadline_minutes * 60}s"
    min_backoff        = "5s"
    max_backoff        = "60s"
    max_doublings      = 4
  }

  stackdriver_logging_config {
    sampling_ratio = 1
  }

  depends_on = [google_project_service.apis]
}
