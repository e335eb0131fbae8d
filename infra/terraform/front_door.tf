# The external load balancer. What path leads where stands in ../routes.json, which the local front door reads too.

locals {
  routes = jsondecode(file("${path.module}/../routes.json"))

  page_functions = toset([for name in distinct(concat([local.routes.default], local.routes.routes[*].backend)) : name if name != "static"])

  # By its public name the load balancer leads to what serves. By a name that no DNS knows it leads to the revisions that a
  # release is about to promote, so that the smoke test meets them at the real address before anybody else does.
  hosts = { serving = var.domain, candidate = "candidate.internal" }

  groups = {
    for pair in setproduct(keys(local.hosts), local.page_functions) :
    pair[0] == "serving" ? pair[1] : "${pair[1]}-${pair[0]}" => { function = pair[1], tag = pair[0] == "serving" ? null : pair[0] }
  }

  backends = {
    for host in keys(local.hosts) : host => merge(
      { for name, group in local.groups : group.function => google_compute_backend_service.pages[name].id if coalesce(group.tag, "serving") == host },
      { static = google_compute_backend_bucket.static.id },
    )
  }

  # The pages' own (functions/secciones/web/headers.py), but for how long an answer may be kept.
  headers = {
    "Content-Security-Policy"      = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; object-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    "Cross-Origin-Opener-Policy"   = "same-origin"
    "Cross-Origin-Resource-Policy" = "same-origin"
    "Permissions-Policy"           = "camera=(), geolocation=(), microphone=()"
    "Referrer-Policy"              = "no-referrer"
    "Strict-Transport-Security"    = "max-age=63072000; includeSubDomains"
    "X-Content-Type-Options"       = "nosniff"
    "X-Frame-Options"              = "DENY"
  }

  redirect_codes = { "301" = "MOVED_PERMANENTLY_DEFAULT", "302" = "FOUND" }
}

resource "google_compute_region_network_endpoint_group" "pages" {
  for_each = local.groups

  project               = var.project
  region                = var.region
  name                  = each.key
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = each.value.function
    tag     = each.value.tag
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.apis]
}

resource "google_compute_backend_service" "pages" {
  for_each = local.groups

  project               = var.project
  name                  = each.key
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = google_compute_security_policy.pages.id

  backend {
    group = google_compute_region_network_endpoint_group.pages[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = 1
  }
}

# Static files, under names that change with their content. The load balancer keeps the path: they are named by it.
resource "google_storage_bucket" "static" {
  #checkov:skip=CKV_GCP_114: these files are what every visitor's browser loads; nothing else is ever put here
  #checkov:skip=CKV_GCP_62: the load balancer in front of it logs every request

  project                     = var.project
  name                        = "${var.project}-static"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "inherited" # the whole world reads it, by design

  versioning {
    enabled = true
  }

  # Pages of yesterday's revision still name yesterday's files, so old ones are not removed by a release.
  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = 30
    }
  }

  depends_on = [google_project_service.apis]
}

resource "google_storage_bucket_iam_member" "everyone_reads_static" {
  #checkov:skip=CKV_GCP_28: everybody reads a file by its name, which is what the pages need; nobody lists them

  bucket = google_storage_bucket.static.name
  role   = "roles/storage.legacyObjectReader" # read an object by its name, not list them
  member = "allUsers"
}

resource "google_compute_backend_bucket" "static" {
  project          = var.project
  name             = "static"
  bucket_name      = google_storage_bucket.static.name
  enable_cdn       = true
  compression_mode = "AUTOMATIC"

  cdn_policy {
    cache_mode        = "CACHE_ALL_STATIC"
    client_ttl        = 31536000
    default_ttl       = 31536000
    max_ttl           = 31536000
    negative_caching  = true
    serve_while_stale = 86400
  }

  depends_on = [google_project_service.apis]
}

resource "google_compute_url_map" "https" {
  project         = var.project
  name            = "https"
  default_service = local.backends.serving[local.routes.default]

  # On files too, and on what Cloud Run answers by itself.
  header_action {
    dynamic "response_headers_to_add" {
      for_each = local.headers

      content {
        header_name  = response_headers_to_add.key
        header_value = response_headers_to_add.value
        replace      = true
      }
    }
  }

  dynamic "host_rule" {
    for_each = local.hosts

    content {
      hosts        = [host_rule.value]
      path_matcher = host_rule.key
    }
  }

  dynamic "path_matcher" {
    for_each = local.backends

    content {
      name            = path_matcher.key
      default_service = path_matcher.value[local.routes.default]

      dynamic "path_rule" {
        for_each = { for route in local.routes.routes : route.backend => route.path... }

        content {
          paths   = path_rule.value
          service = path_matcher.value[path_rule.key]
        }
      }

      dynamic "path_rule" {
        for_each = local.routes.redirects

        content {
          paths = [path_rule.value.path]

          url_redirect {
            path_redirect          = path_rule.value.to
            redirect_response_code = local.redirect_codes[path_rule.value.status]
            strip_query            = false
          }
        }
      }
    }
  }
}

resource "google_compute_managed_ssl_certificate" "secciones" {
  project = var.project
  name    = "secciones-${replace(var.domain, ".", "-")}"

  managed {
    domains = [var.domain]
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.apis]
}

resource "google_compute_ssl_policy" "modern" {
  project         = var.project
  name            = "modern"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"

  depends_on = [google_project_service.apis]
}

resource "google_compute_target_https_proxy" "https" {
  project          = var.project
  name             = "https"
  url_map          = google_compute_url_map.https.id
  ssl_certificates = [google_compute_managed_ssl_certificate.secciones.id]
  ssl_policy       = google_compute_ssl_policy.modern.id
}

resource "google_compute_global_address" "front_door" {
  project = var.project
  name    = "front-door"

  depends_on = [google_project_service.apis]
}

resource "google_compute_global_forwarding_rule" "https" {
  project               = var.project
  name                  = "https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.front_door.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.https.id
}

# HTTP only says where HTTPS is.
resource "google_compute_url_map" "http" {
  project = var.project
  name    = "http"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }

  depends_on = [google_project_service.apis]
}

resource "google_compute_target_http_proxy" "http" {
  project = var.project
  name    = "http"
  url_map = google_compute_url_map.http.id
}

resource "google_compute_global_forwarding_rule" "http" {
  project               = var.project
  name                  = "http"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.front_door.id
  port_range            = "80"
  target                = google_compute_target_http_proxy.http.id
}
