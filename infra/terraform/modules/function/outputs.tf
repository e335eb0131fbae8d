output "email" {
  value = google_service_account.this.email
}

output "member" {
  value = google_service_account.this.member
}

output "identity" {
  description = "The service account's resource name"
  value       = google_service_account.this.name
}
