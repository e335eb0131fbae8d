# What the load balancer turns away before a function is asked. The functions do not rely on it.

locals {
  # Sensitivity 1: rules that hardly ever mistake a form for an attack. Names and passwords of people are no fields of
  # ours; what a teacher can type is two numbers and ticks.
  owasp = [
    "sqli-v33-stable",
    "xss-v33-stable",
    "lfi-v33-stable",
    "rfi-v33-stable",
    "rce-v33-stable",
    "protocolattack-v33-stable",
    "scannerdetection-v33-stable",
  ]
}

resource "google_compute_security_policy" "pages" {
  #checkov:skip=CKV_GCP_73: the rule is against a flaw of a Java library, and there is no Java behind this load balancer

  project     = var.project
  name        = "pages"
  description = "Methods, size, known attacks, and a ban for guessing"

  rule {
    description = "Only the methods that pages have"
    priority    = 100
    action      = "deny(403)"

    match {
      expr {
        expression = "!request.method.matches('^(GET|HEAD|POST)$')"
      }
    }
  }

  # A section's form with 200 students is about 10 KB. Without a length the function counts for itself.
  rule {
    description = "No body larger than any of our forms"
    priority    = 200
    action      = "deny(403)"

    match {
      expr {
        expression = "has(request.headers['content-length']) && int(request.headers['content-length']) > 65536"
      }
    }
  }

  # Before the limits: what keeps within a limit is let in without another look. Google's answer to a sign-in names its
  # scopes by addresses that end in words like `.profile`, which the rule against file names takes for an attack.
  dynamic "rule" {
    for_each = local.owasp

    content {
      description = rule.value
      priority    = 1000 + rule.key
      action      = "deny(403)"

      match {
        expr {
          expression = "request.path != '/secciones/oauth2/callback' && evaluatePreconfiguredWaf('${rule.value}', {'sensitivity': 1})"
        }
      }
    }
  }

  # A whole school shares one address, so the numbers leave room for all its teachers at once: what binds a guesser is
  # the function's own count for each account and DUI.
  rule {
    description = "A ban for who floods the page of DUI and NIP"
    priority    = 2000
    action      = "rate_based_ban"

    match {
      expr {
        expression = "request.method == 'POST' && request.path == '/secciones/identidad'"
      }
    }

    rate_limit_options {
      conform_action   = "allow"
      exceed_action    = "deny(429)"
      enforce_on_key   = "IP"
      ban_duration_sec = 900

      rate_limit_threshold {
        count        = 120
        interval_sec = 60
      }

      ban_threshold {
        count        = 600
        interval_sec = 300
      }
    }
  }

  rule {
    description = "A limit for everything else"
    priority    = 3000
    action      = "throttle"

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }

    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = 1200
        interval_sec = 60
      }
    }
  }

  rule {
    description = "The rest"
    priority    = 2147483647
    action      = "allow"

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }
  }

  depends_on = [google_project_service.apis]
}
