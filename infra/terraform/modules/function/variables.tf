variable "project" {
  type = string
}

variable "region" {
  type = string
}

variable "name" {
  type = string
}

variable "description" {
  type = string
}

variable "database_roles" {
  description = "By Firestore database: the role on it"
  type        = map(string)
}

variable "settings" {
  description = "Environment variables; functions/secciones/settings.py says which a function reads"
  type        = map(string)
}

variable "secrets" {
  description = "Environment variables whose values are secrets, by the secrets' ids"
  type        = map(string)
  default     = {}
}

variable "callers" {
  description = "Who may call the service, by a name for each"
  type        = map(string)
}

variable "ingress" {
  type    = string
  default = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
}

variable "concurrency" {
  description = "Requests at a time in one instance"
  type        = number
  default     = 20
}

variable "memory" {
  type    = string
  default = "512Mi"
}

variable "timeout_seconds" {
  type    = number
  default = 30
}

variable "instances" {
  type = object({ min = number, max = number })
}

variable "deletion_protection" {
  type = bool
}
