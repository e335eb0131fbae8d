# One function: its identity, its databases and secrets, the Cloud Run service that it is, who may call it, and its
# schedule if it has one. What else it may do stands in the file that uses the module.

locals {
  url = format(var.place.url_of_function, var.name)

  callers = merge(
    var.callers,
    var.has_pages ? { everyone = "allUsers" } : {},
    var.schedule == null ? {} : { scheduler = "serviceAccount:${var.schedule.service_account}" },
  )

  settings = merge(
    var.settings,
    # A scheduled function knows its own address and its caller, since the token that it is called with names both.
    var.schedule == null ? {} : {
      "${upper(var.name)}_URL"  = local.url
      SCHEDULER_SERVICE_ACCOUNT = var.schedule.service_account
      CALLER_SIGNATURES         = "removed" # Cloud Run checks the token and takes its signature off
    },
    lookup(var.place.settings, var.name, {}),
    # The framework serves as many requests at a time as it has threads.
    { THREADS = var.concurrency },
  )
}

resource "google_service_account" "this" {
  project      = var.place.project
  account_id   = "function-${var.name}"
  display_name = "Function ${var.name}"
}

resource "google_project_iam_member" "databases" {
  for_each = var.database_roles

  project = var.place.project
  role    = each.value
  member  = google_service_account.this.member

  condition {
    title      = each.key == "(default)" ? "documents" : each.key
    expression = "resource.name == 'projects/${var.place.project}/databases/${each.key}' || resource.name.startsWith('projects/${var.place.project}/databases/${each.key}/')"
  }
}

resource "google_secret_manager_secret_iam_member" "secrets" {
  for_each = var.secrets

  project   = var.place.project
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.this.member
}

resource "google_cloud_run_v2_service" "this" {
  project              = var.place.project
  location             = var.place.region
  name                 = var.name
  description          = var.description
  ingress              = var.has_pages ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" : var.ingress
  deletion_protection  = var.place.deletion_protection
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
        for_each = local.settings

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
  for_each = local.callers

  project  = var.place.project
  location = var.place.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = each.value
}

resource "google_cloud_scheduler_job" "this" {
  count = var.schedule == null ? 0 : 1

  project          = var.place.project
  region           = var.place.region
  name             = var.name
  schedule         = var.schedule.cron
  time_zone        = "America/El_Salvador"
  attempt_deadline = "${var.timeout_seconds}s"

  http_target {
    http_method = "POST"
    uri         = local.url

    oidc_token {
      service_account_email = var.schedule.service_account
      audience              = local.url
    }
  }

  retry_config {
    retry_count          = var.schedule.retries
    min_backoff_duration = "60s"
  }
}
