variable "place" {
  description = "What is the same for all functions: where they are, what their addresses look like, settings that differ"
  type = object({
    project             = string
    region              = string
    url_of_function     = string
    deletion_protection = bool
    settings            = map(map(string))
  })
}

variable "name" {
  description = "Of the folder in functions/, of its entry point, of the service and of its account"
  type        = string
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

variable "has_pages" {
  description = "Everybody reaches it, through the load balancer alone, which mints no tokens"
  type        = bool
  default     = false
}

variable "schedule" {
  description = "When Cloud Scheduler calls the function, as whom, and how often it tries again"
  type        = object({ cron = string, service_account = string, retries = number })
  default     = null
}

variable "callers" {
  description = "Who else may call the service, by a name for each"
  type        = map(string)
  default     = {}
}

variable "ingress" {
  description = "From where it can be called. Cloud Tasks and Cloud Scheduler of this project count as internal"
  type        = string
  default     = "INGRESS_TRAFFIC_INTERNAL_ONLY"
}

variable "concurrency" {
  description = "Requests at a time in one instance"
  type        = number
  default     = 1
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
  type    = object({ min = number, max = number })
  default = { min = 0, max = 1 }
}
