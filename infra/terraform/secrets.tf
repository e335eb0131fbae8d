# Secrets, whose values an administrator puts in (infra/runbook), and the key that seals seeds.

resource "google_secret_manager_secret" "this" {
  for_each = toset(["oidc-client", "pseudonym", "registry", "session", "siges", "synthetic-teacher"])

  project             = var.project
  secret_id           = each.value
  deletion_protection = var.deletion_protection
  version_destroy_ttl = "604800s" # a version that was destroyed by mistake can be had back for a week

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  depends_on = [google_project_service.apis]
}

resource "google_kms_key_ring" "secciones" {
  project  = var.project
  location = var.region
  name     = "secciones"

  depends_on = [google_project_service.apis]
}

resource "google_kms_crypto_key" "seeds" {
  key_ring                   = google_kms_key_ring.secciones.id
  name                       = "seeds"
  purpose                    = "ENCRYPT_DECRYPT"
  rotation_period            = "2592000s" # 30 days
  destroy_scheduled_duration = "86400s"   # a seed lives a day

  version_template {
    algorithm        = "GOOGLE_SYMMETRIC_ENCRYPTION"
    protection_level = "HSM"
  }

  lifecycle {
    prevent_destroy = true
  }
}
