# Who builds and deploys: cloudbuild.yaml, as a service account without a key. The first apply is an administrator's.

resource "google_artifact_registry_repository" "functions" {
  #checkov:skip=CKV_GCP_84: images hold our code and public libraries, and no secret; Google's own encryption is enough

  project       = var.project
  location      = var.region
  repository_id = "functions"
  description   = "One image a function"
  format        = "DOCKER"

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"

    condition {
      older_than = "7776000s" # 90 days
    }
  }

  # Whatever their age, there is something to go back to.
  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"

    most_recent_versions {
      keep_count = 10
    }
  }

  depends_on = [google_project_service.apis]
}

resource "google_service_account" "release" {
  project      = var.project
  account_id   = "release"
  display_name = "Cloud Build: plan, apply, deploy"
}

# Terraform makes everything that stands in this folder, so its account may make each kind of it, and grant it. It reads
# no secret's value, opens no seal and reads no document; to let itself do so would take a commit, and stands in Google's
# audit log. The budget is the billing account's: an administrator makes `release` a Costs Manager there.
resource "google_project_iam_member" "release" {
  #checkov:skip=CKV_GCP_41: it deploys functions that run as their own accounts, which is what acting as them means
  #checkov:skip=CKV_GCP_49: it makes those accounts; the project holds nothing else, and nobody has a key of this one

  for_each = toset([
    "roles/artifactregistry.admin",
    "roles/cloudbuild.builds.editor",
    "roles/cloudkms.admin",
    "roles/cloudscheduler.admin",
    "roles/cloudtasks.admin",
    "roles/compute.loadBalancerAdmin",
    "roles/compute.securityAdmin",
    "roles/containeranalysis.notes.editor",
    "roles/containeranalysis.occurrences.editor",
    "roles/firebaserules.admin",
    "roles/iam.roleAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountUser",
    "roles/logging.admin",
    "roles/monitoring.admin",
    "roles/resourcemanager.projectIamAdmin",
    "roles/run.admin",
    "roles/serviceusage.serviceUsageAdmin",
  ])

  project = var.project
  role    = each.value
  member  = google_service_account.release.member
}

# What the registry exports has DUI and NIP in clear.
resource "google_project_iam_member" "release_stores" {
  project = var.project
  role    = "roles/storage.admin"
  member  = google_service_account.release.member

  condition {
    title      = "not-the-registry"
    expression = "!resource.name.startsWith('projects/_/buckets/${google_storage_bucket.registry.name}/objects/')"
  }
}

resource "google_project_iam_member" "release_keeps" {
  for_each = {
    firestore = google_project_iam_custom_role.firestore_keeper.name
    secrets   = google_project_iam_custom_role.secret_keeper.name
  }

  project = var.project
  role    = each.value
  member  = google_service_account.release.member
}

# Nobody's: a teacher of the unit of synthetic people, as whom the smoke test goes through to a mail.
resource "google_secret_manager_secret_iam_member" "release_is_the_synthetic_teacher" {
  project   = var.project
  secret_id = google_secret_manager_secret.this["synthetic-teacher"].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.release.member
}

locals {
  # On a push, pruebas is released at once; produccion shows its plan, and a person approves the release.
  rollback = { file = "infra/terraform/pipeline/rollback.yaml", approval = false, on_push = false }

  triggers = {
    pruebas = {
      release  = { file = "cloudbuild.yaml", approval = false, on_push = true }
      rollback = local.rollback
    }
    produccion = {
      plan     = { file = "infra/terraform/pipeline/plan.yaml", approval = false, on_push = true }
      release  = { file = "cloudbuild.yaml", approval = true, on_push = true }
      rollback = local.rollback
    }
  }
}

resource "google_cloudbuild_trigger" "this" {
  for_each = local.triggers[var.environment]

  project         = var.project
  location        = var.region
  name            = each.key
  filename        = each.value.on_push ? each.value.file : null
  service_account = google_service_account.release.id

  substitutions = {
    _ENVIRONMENT = var.environment
    _REGION      = var.region
    _URL         = "https://${var.domain}/secciones/"
    _TEACHER     = var.synthetic_teacher ? google_secret_manager_secret.this["synthetic-teacher"].secret_id : ""
  }

  approval_config {
    approval_required = each.value.approval
  }

  dynamic "repository_event_config" {
    for_each = each.value.on_push ? [1] : []

    content {
      repository = var.repository

      push {
        branch = "^main$"
      }
    }
  }

  # Started by hand.
  dynamic "source_to_build" {
    for_each = each.value.on_push ? [] : [1]

    content {
      repository = var.repository
      ref        = "refs/heads/main"
      repo_type  = "UNKNOWN"
    }
  }

  dynamic "git_file_source" {
    for_each = each.value.on_push ? [] : [1]

    content {
      path       = each.value.file
      repository = var.repository
      revision   = "refs/heads/main"
      repo_type  = "UNKNOWN"
    }
  }

  depends_on = [google_project_service.apis]
}
