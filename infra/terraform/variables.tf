variable "environment" {
  description = "pruebas or produccion"
  type        = string

  validation {
    condition     = contains(["pruebas", "produccion"], var.environment)
    error_message = "There are two environments: pruebas and produccion."
  }
}

variable "project" {
  description = "Id of the Google Cloud project, which holds nothing else"
  type        = string
}

variable "region" {
  description = "Where functions, queue, key and images are; Firestore is in the multi-region around it"
  type        = string
  default     = "us-central1"
}

variable "firestore_location" {
  type    = string
  default = "nam5"
}

variable "domain" {
  description = "The host of the public address, whose DNS points to the output `address`"
  type        = string
}

# The institution

variable "workspace_domain" {
  type    = string
  default = "clases.edu.sv"
}

variable "institution_name" {
  type    = string
  default = "Ministerio de Educación"
}

variable "support_contact" {
  description = "How teachers reach the support, in one line of Spanish, such as an address and a telephone number"
  type        = string
  default     = ""
}

variable "teachers_org_unit" {
  type    = string
  default = "/Docentes"
}

variable "require_two_step" {
  description = "Whether a teacher's account must be enrolled in 2-step verification"
  type        = bool
  default     = false
}

variable "students_org_unit" {
  type    = string
  default = "/Estudiantes"
}

variable "delegated_admin" {
  description = "The Workspace administrator on whose behalf accounts are read and passwords set; its role covers the students' unit alone"
  type        = string
}

variable "mail_sender" {
  description = "The mailbox that the mails come from"
  type        = string
}

variable "oidc_client_id" {
  description = "Of the OAuth client, which the console alone can make"
  type        = string
}

variable "siges_url" {
  type = string
}

variable "registry" {
  description = "Which registry is asked: siges, oneroster (what was imported) or siges-then-oneroster"
  type        = string
  default     = "siges"
}

variable "registry_exporter" {
  description = "Who puts the registry's exports into the bucket, as IAM writes it: serviceAccount:…"
  type        = string
}

# Limits: what more than one part has to know

variable "settings" {
  description = "By function: settings that are to differ from the defaults of functions/secciones/settings.py"
  type        = map(map(string))
  default     = {}
}

variable "batch_limit" {
  description = "Students in one batch"
  type        = number
  default     = 200
}

variable "batch_deadline_minutes" {
  description = "After this no password of a batch is changed any more"
  type        = number
  default     = 60
}

variable "audit_retention_days" {
  type    = number
  default = 730
}

variable "directory_queries_per_minute" {
  description = "Google's quota for the delegated administrator"
  type        = number
  default     = 2400
}

# Size

variable "page_instances" {
  description = "Fewest and most instances of each function with pages"
  type        = object({ min = number, max = number })
}

variable "deletion_protection" {
  type    = bool
  default = true
}

# Watching

variable "alert_addresses" {
  description = "Mailboxes that alerts go to"
  type        = list(string)
}

variable "operators" {
  description = "Who works at the desk: a group of the institution, such as group:NAME@DOMAIN"
  type        = string
}

variable "runbook" {
  description = "Where infra/runbook/ can be read; every alert links to its page there"
  type        = string
}

variable "billing_account" {
  type = string
}

variable "monthly_budget" {
  description = "US dollars"
  type        = number
}

# Release

variable "repository" {
  description = "Resource name of the repository as connected to Cloud Build (2nd generation)"
  type        = string
}

variable "synthetic_teacher" {
  description = "Whether a release is tried by a synthetic teacher, whose sign-in is the secret synthetic-teacher"
  type        = bool
  default     = false
}

variable "audit_locked" {
  description = "Lock the retention of the audit's log bucket. It cannot be undone: only where the retention is settled"
  type        = bool
  default     = false
}
