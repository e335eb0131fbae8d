# The audit's second copy: Cloud Logging's, in a bucket that nobody can shorten once it is locked.

resource "google_logging_project_bucket_config" "audit" {
  project        = var.project
  location       = var.region
  bucket_id      = "audit"
  description    = "What was done, by whom; kept for as long as the audit itself"
  retention_days = var.audit_retention_days
  locked         = var.audit_locked

  depends_on = [google_project_service.apis]
}

resource "google_logging_project_sink" "audit" {
  project                = var.project
  name                   = "audit"
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.audit.id}"
  unique_writer_identity = true

  # The functions' own events, and who at Google's console touched the project, its key or its secrets.
  filter = "(${local.ours} AND jsonPayload.audit:*) OR logName:\"cloudaudit.googleapis.com\""

  exclusions {
    name   = "own-work"
    filter = local.own_work
  }
}

# People's access to documents is of interest, not the functions' own: that is what they are there for.
resource "google_logging_project_exclusion" "own_work" {
  project     = var.project
  name        = "own-work"
  description = "What the functions read and write in Firestore in the course of their work"
  filter      = local.own_work
}

# Google does not keep reads unless told to.
resource "google_project_iam_audit_config" "reads" {
  for_each = {
    "cloudkms.googleapis.com"      = ["DATA_READ"]
    "datastore.googleapis.com"     = ["DATA_READ", "DATA_WRITE"]
    "iam.googleapis.com"           = ["ADMIN_READ", "DATA_READ"] # also of IAM Credentials: who became which account
    "secretmanager.googleapis.com" = ["DATA_READ"]
    "storage.googleapis.com"       = ["DATA_READ", "DATA_WRITE"]
  }

  project = var.project
  service = each.key

  dynamic "audit_log_config" {
    for_each = each.value

    content {
      log_type = audit_log_config.value
    }
  }
}

locals {
  own_accounts = join("|", [for name in local.functions : format(local.account, name)])
  own_work     = "protoPayload.serviceName=\"datastore.googleapis.com\" AND protoPayload.authenticationInfo.principalEmail=~\"^(${local.own_accounts})$\""

  queries = {
    lote = {
      title  = "Un lote, de principio a fin (escriba su número)"
      filter = "jsonPayload.audit.batch=\"NUMERO\" OR jsonPayload.batch=\"NUMERO\""
    }
    docente = {
      title  = "Todo lo que hizo una cuenta de docente"
      filter = "jsonPayload.audit.account=\"docente@${var.workspace_domain}\""
    }
    solicitud = {
      title  = "Todas las líneas de una solicitud (escriba su identificador)"
      filter = "jsonPayload.request=\"IDENTIFICADOR\""
    }
    operadores = {
      title  = "Lo que pidieron los operadores, quién y por qué"
      filter = "jsonPayload.audit.kind=\"operation\""
    }
    rechazos = {
      title  = "Identidades rechazadas"
      filter = "jsonPayload.audit.kind=\"verification\" AND jsonPayload.audit.outcome!=\"verified\""
    }
    avisos = {
      title  = "Lo que pide atención"
      filter = "severity>=WARNING"
    }
  }
}

resource "google_logging_saved_query" "operators" {
  for_each = local.queries

  name         = each.key
  parent       = "projects/${var.project}"
  location     = "global"
  display_name = each.value.title
  visibility   = "SHARED"

  logging_query {
    filter = "${local.ours} AND (${each.value.filter})"
  }

  depends_on = [google_project_service.apis]
}
