output "address" {
  description = "Where the DNS of the domain points to"
  value       = google_compute_global_address.front_door.address
}
