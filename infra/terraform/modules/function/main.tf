# One function: its identity, its databases and secrets, and the Cloud Run service that it is. What else it may do, and
# what calls it, stands in the file that uses the module.

resource "google_service_account" "this" {
  project      = var.project
  account_id   = var.name
  display_name = "Function ${var.name}"
}

resource "google_project_iam_member" "databases" {
  for_each = var.database_roles

  project = var.project
  role    = each.value
  member  = google_service_account.this.member

  condition {
    title      = each.key == "(default)" ? "documents" : each.key
    expression = "resource.name == 'projects/${var.project}/databases/${each.key}' || resource.name.startsWith('projects/${var.project}/databases/${each.key}/')"
  }
}

resource "google_secret_manager_secret_iam_member" "secrets" {
  for_each = var.secrets

  project   = var.project
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.this.member
}

resource "google_cloud_run_v2_service" "this" {
  project              = var.project
  location             = var.region
  name                 = var.name
  description          = var.description
  ingress              = var.ingress
  deletion_protection  = var.deletion_protection
  invoker_iam_disabled = false

  template {
    service_account                  = google_service_account.this.email
    timeout                          = "${var.timeout_seconds}s"
    max_instance_request_concurrency = var.concurrency

    scaling {
      min_instance_count = var.instances.min
      max_instance_count = var.instances.max
    }

    containers {
      # Only until the first deployment, which brings the function's own.
      image = "us-docker.pkg.dev/cloudrun/container/hello"

      resources {
        limits            = { cpu = "1", memory = var.memory }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        # The framework serves as many requests at a time as it has threads.
        for_each = merge(var.settings, { THREADS = var.concurrency })

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secrets

        content {
          name = env.key

          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest" # read when an instance starts: a new version is in use after the next deployment
            }
          }
        }
      }
    }
  }

  lifecycle {
    # The pipeline's: what runs, and who gets it.
    ignore_changes = [
      annotations,
      build_config,
      client,
      client_version,
      labels,
      template[0].annotations,
      template[0].containers[0].base_image_uri,
      template[0].containers[0].image,
      template[0].containers[0].name,
      template[0].labels,
      template[0].revision,
      traffic,
    ]
  }

  depends_on = [google_secret_manager_secret_iam_member.secrets]
}

resource "google_cloud_run_v2_service_iam_member" "callers" {
  for_each = var.callers

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = each.value
}
