# The whole service in one Google Cloud project. The environments differ by environments/<name>.tfvars alone:
#
#   terraform init -backend-config=environments/pruebas.tfbackend
#   terraform plan -var-file=environments/pruebas.tfvars
#
# Revisions are not deployed from here: cloudbuild.yaml does that, and Terraform leaves image and traffic alone.

terraform {
  required_version = "~> 1.15.5"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "8.7.0" # exactly: the schema that tests/infra checks against is this one's
    }
  }

  backend "gcs" {
    prefix = "secciones"
  }
}

provider "google" {
  project               = var.project
  region                = var.region
  billing_project       = var.project
  user_project_override = true
}

data "google_project" "this" {
  project_id = var.project
}

resource "google_project_service" "apis" {
  for_each = toset([
    "admin.googleapis.com",
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudkms.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "cloudtasks.googleapis.com",
    "compute.googleapis.com",
    "containeranalysis.googleapis.com",
    "containerscanning.googleapis.com",
    "firebaserules.googleapis.com",
    "firestore.googleapis.com",
    "gmail.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
  ])

  project            = var.project
  service            = each.value
  disable_on_destroy = false
}
