# What an operator is told without asking. Every alert carries its page of the runbook, which says what to do, and links
# to it.

locals {
  ours = "resource.type=\"cloud_run_revision\" AND logName=\"projects/${var.project}/logs/run.googleapis.com%2Fstdout\""

  runbook = {
    for file in fileset("${path.module}/../runbook/alertas", "*.md") :
    trimsuffix(file, ".md") => {
      text = file("${path.module}/../runbook/alertas/${file}")
      url  = "${var.runbook}/alertas/${file}"
    }
  }

  # Lines that the functions write; tests/infra looks these messages up in the code.
  metrics = {
    batches       = { filter = "jsonPayload.audit.kind=\"submit\"" }
    accounts      = { filter = "jsonPayload.audit.kind=\"accounts\"", label = "outcome", extract = "EXTRACT(jsonPayload.audit.outcome)" }
    in_time       = { filter = "jsonPayload.audit.kind=\"mail\" AND jsonPayload.audit.outcome=\"accepted\" AND jsonPayload.audit.details.seconds<=300" }
    mails         = { filter = "jsonPayload.audit.kind=\"mail\"", label = "outcome", extract = "EXTRACT(jsonPayload.audit.outcome)" }
    verifications = { filter = "jsonPayload.audit.kind=\"verification\"", label = "outcome", extract = "EXTRACT(jsonPayload.audit.outcome)" }
    sign_ins      = { filter = "jsonPayload.audit.kind=\"sign_in\"", label = "outcome", extract = "EXTRACT(jsonPayload.audit.outcome)" }
    sweeps        = { filter = "jsonPayload.audit.kind=\"sweep\"", label = "outcome", extract = "EXTRACT(jsonPayload.audit.outcome)" }
    refusals      = { filter = "jsonPayload.message=\"Google refused to change an account\"", label = "reason", extract = "EXTRACT(jsonPayload.reason)" }
    unreached     = { filter = "jsonPayload.message=\"an account was not reached and is tried again\"", label = "reason", extract = "EXTRACT(jsonPayload.reason)" }
    given_back    = { filter = "jsonPayload.message=\"given back to the queue: a system failed for now\"", label = "error", extract = "EXTRACT(jsonPayload.error)" }
    unavailable   = { filter = "jsonPayload.message=\"a system that the pages need does not answer\"", label = "error", extract = "EXTRACT(jsonPayload.error)" }
  }

  # Lines that carry a number of seconds.
  seconds = {
    oldest_open  = { filter = "jsonPayload.audit.kind=\"sweep\"", extract = "EXTRACT(jsonPayload.audit.details.oldest_open_seconds)" }
    mail_seconds = { filter = "jsonPayload.audit.kind=\"mail\"", extract = "EXTRACT(jsonPayload.audit.details.seconds)" }
  }

  # One line is one too many.
  events = {
    lote-detenido = {
      title    = "Un lote no terminó a tiempo"
      severity = "CRITICAL"
      filter   = "jsonPayload.message:\"a batch was not finished or mailed in time\""
    }
    semilla-perdida = {
      title    = "Las contraseñas de un lote se perdieron"
      severity = "CRITICAL"
      filter   = "jsonPayload.message:\"the seed of a batch cannot be opened\""
    }
    falla-del-programa = {
      title    = "Una función falló por un error del programa"
      severity = "CRITICAL"
      filter   = "jsonPayload.message:\"this is a fault in the program\" OR jsonPayload.message:\"the function cannot work\" OR jsonPayload.message:\"a task names no batch\""
    }
    cuenta-protegida = {
      title    = "SIGES nombra una cuenta que no es de estudiante"
      severity = "ERROR"
      filter   = "jsonPayload.message:\"SIGES names an account that is no student's\""
    }
    adivinanza = {
      title    = "Alguien adivina DUI o NIP"
      severity = "ERROR"
      filter   = "jsonPayload.message:\"someone must be guessing\" OR jsonPayload.message:\"a DUI is guessed at and locked\""
    }
    correo-rechazado = {
      title    = "Gmail rechazó un correo para siempre"
      severity = "ERROR"
      filter   = "jsonPayload.message:\"mail refused for good\""
    }
    reenvio-vencido = {
      title    = "Un correo no se reenvió a tiempo"
      severity = "ERROR"
      filter   = "jsonPayload.message:\"a mail was not sent again in time\""
    }
    llamada-ajena = {
      title    = "Un extraño llamó a una función interna"
      severity = "WARNING"
      filter   = "jsonPayload.message:\"a call of a stranger was refused\""
    }
    espejo-atrasado = {
      title    = "El estado de las cuentas está atrasado"
      severity = "ERROR"
      filter   = "jsonPayload.message:\"the mirror of the Directory is old\""
    }
    auditoria-alterada = {
      title    = "La auditoría no concuerda con su cadena"
      severity = "CRITICAL"
      filter   = "jsonPayload.finding:* OR jsonPayload.message:\"nothing is sealed until its newest block is sound\""
    }
    auditoria-sin-revisar = {
      title    = "La revisión diaria de la auditoría no corrió"
      severity = "ERROR"
      source   = "resource.type=\"cloud_scheduler_job\" AND resource.labels.job_id=\"auditor\""
      filter   = "severity>=ERROR"
    }
    registro-en-espera = {
      title    = "Una exportación del registro espera confirmación"
      severity = "ERROR"
      filter   = "jsonPayload.message:\"registry: an export waits\""
    }
    registro-con-errores = {
      title    = "Una exportación del registro tiene errores"
      severity = "ERROR"
      filter   = "jsonPayload.message:\"registry: an export was refused as a whole\" OR jsonPayload.message:\"registry: an export was imported without some of its rows\""
    }
    registro-atrasado = {
      title    = "El registro importado está atrasado"
      severity = "ERROR"
      filter   = "jsonPayload.message:\"registry: no export has come for long\""
    }
    auditoria-incompleta = {
      title    = "La auditoría no guardó un evento"
      severity = "ERROR"
      filter   = "jsonPayload.message:\"event kept in this log alone\""
    }
  }

  # More than so many in so long.
  rates = {
    siges-caido = {
      title    = "SIGES no responde"
      severity = "ERROR"
      filter   = "metric.type=\"logging.googleapis.com/user/unavailable\" AND metric.labels.error=\"RegistryUnavailable\""
      above    = 5
      window   = "300s"
    }
    sistema-caido = {
      title    = "Google no responde a las páginas"
      severity = "ERROR"
      filter   = "metric.type=\"logging.googleapis.com/user/unavailable\" AND metric.labels.error!=\"RegistryUnavailable\""
      above    = 5
      window   = "300s"
    }
    cuota-cerca = {
      title    = "La cuota del Directorio se acaba"
      severity = "WARNING"
      filter   = "metric.type=\"logging.googleapis.com/user/unreached\" AND metric.labels.reason=monitoring.regex.full_match(\"userRateLimitExceeded|rateLimitExceeded|quotaExceeded\")"
      above    = 20
      window   = "300s"
    }
  }
}

resource "google_logging_metric" "counts" {
  for_each = local.metrics

  project          = var.project
  name             = each.key
  filter           = "${local.ours} AND ${each.value.filter}"
  label_extractors = try({ (each.value.label) = each.value.extract }, null)

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"

    dynamic "labels" {
      for_each = try([each.value.label], [])

      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }

  depends_on = [google_project_service.apis]
}

resource "google_logging_metric" "seconds" {
  for_each = local.seconds

  project         = var.project
  name            = each.key
  filter          = "${local.ours} AND ${each.value.filter}"
  value_extractor = each.value.extract

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "s"
  }

  bucket_options {
    explicit_buckets {
      bounds = [0, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200]
    }
  }

  depends_on = [google_project_service.apis]
}

resource "google_monitoring_notification_channel" "mail" {
  for_each = toset(var.alert_addresses)

  project      = var.project
  display_name = each.value
  type         = "email"
  labels       = { email_address = each.value }

  depends_on = [google_project_service.apis]
}

locals {
  channels = [for channel in google_monitoring_notification_channel.mail : channel.name]
}

resource "google_monitoring_alert_policy" "events" {
  for_each = local.events

  project               = var.project
  display_name          = each.value.title
  severity              = each.value.severity
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_matched_log {
      filter           = "${try(each.value.source, local.ours)} AND (${each.value.filter})"
      label_extractors = { batch = "EXTRACT(jsonPayload.batch)" }
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "900s"
    }
  }

  documentation {
    content   = local.runbook[each.key].text
    mime_type = "text/markdown"

    links {
      display_name = "Guía de operación"
      url          = local.runbook[each.key].url
    }
  }
}

resource "google_monitoring_alert_policy" "rates" {
  for_each = local.rates

  project               = var.project
  display_name          = each.value.title
  severity              = each.value.severity
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter          = "${local.cloud_run} AND ${each.value.filter}"
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.above
      duration        = "0s"

      aggregations {
        alignment_period     = each.value.window
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  alert_strategy {
    auto_close = "3600s"
  }

  documentation {
    content   = local.runbook[each.key].text
    mime_type = "text/markdown"

    links {
      display_name = "Guía de operación"
      url          = local.runbook[each.key].url
    }
  }

  depends_on = [google_logging_metric.counts]
}

# Forward progress: the sweeper says every minute how long the teacher who waits longest has been waiting.
resource "google_monitoring_alert_policy" "queue" {
  project               = var.project
  display_name          = "Un lote espera más de 15 minutos"
  severity              = "CRITICAL"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "Un lote espera más de 15 minutos"

    condition_threshold {
      filter          = "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.seconds["oldest_open"].name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 900
      duration        = "60s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_PERCENTILE_99"
        cross_series_reducer = "REDUCE_MAX"
      }
    }
  }

  alert_strategy {
    auto_close = "3600s"
  }

  documentation {
    content   = local.runbook["cola-detenida"].text
    mime_type = "text/markdown"

    links {
      display_name = "Guía de operación"
      url          = local.runbook["cola-detenida"].url
    }
  }
}

# The sweeper owns the deadline of every batch, so its silence is an alert of its own.
resource "google_monitoring_alert_policy" "sweeper" {
  project               = var.project
  display_name          = "El barrido no corre"
  severity              = "CRITICAL"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "Ningún barrido en 10 minutos"

    condition_absent {
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/sweeps\" AND metric.labels.outcome=\"done\""
      duration = "600s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = local.runbook["barrido-detenido"].text
    mime_type = "text/markdown"

    links {
      display_name = "Guía de operación"
      url          = local.runbook["barrido-detenido"].url
    }
  }

  depends_on = [google_logging_metric.counts]
}

resource "google_monitoring_uptime_check_config" "landing" {
  project      = var.project
  display_name = "Portada"
  timeout      = "10s"
  period       = "60s"

  http_check {
    path         = "/secciones/"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  content_matchers {
    content = "/secciones/entrar"
    matcher = "CONTAINS_STRING"
  }

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = var.domain }
  }

  depends_on = [google_project_service.apis]
}

resource "google_monitoring_alert_policy" "landing" {
  project               = var.project
  display_name          = "La portada no responde"
  severity              = "CRITICAL"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "Falla desde dos regiones"

    condition_threshold {
      filter          = "resource.type=\"uptime_url\" AND metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id=\"${google_monitoring_uptime_check_config.landing.uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "120s"

      aggregations {
        alignment_period     = "120s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.labels.host"]
      }
    }
  }

  documentation {
    content   = local.runbook["portada-caida"].text
    mime_type = "text/markdown"

    links {
      display_name = "Guía de operación"
      url          = local.runbook["portada-caida"].url
    }
  }
}

# 99.9 % of what people ask for is answered. What we refuse is an answer; a 5xx is none.
resource "google_monitoring_custom_service" "web" {
  project      = var.project
  service_id   = "web"
  display_name = "Secciones"

  depends_on = [google_project_service.apis]
}

resource "google_monitoring_slo" "web" {
  project             = var.project
  service             = google_monitoring_custom_service.web.service_id
  slo_id              = "web"
  display_name        = "99,9 % de las solicitudes"
  goal                = 0.999
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      total_service_filter = "resource.type=\"https_lb_rule\" AND resource.labels.url_map_name=\"${google_compute_url_map.https.name}\" AND metric.type=\"loadbalancing.googleapis.com/https/request_count\""
      bad_service_filter   = "resource.type=\"https_lb_rule\" AND resource.labels.url_map_name=\"${google_compute_url_map.https.name}\" AND metric.type=\"loadbalancing.googleapis.com/https/request_count\" AND metric.labels.response_code_class=500"
    }
  }
}

# 99 % of the batches reach their teacher within five minutes. A mail that will never be accepted is late for good.
resource "google_monitoring_custom_service" "batches" {
  project      = var.project
  service_id   = "batches"
  display_name = "Secciones: lotes"

  depends_on = [google_project_service.apis]
}

resource "google_monitoring_slo" "batches" {
  project             = var.project
  service             = google_monitoring_custom_service.batches.service_id
  slo_id              = "batches"
  display_name        = "99 % de los correos en 5 minutos"
  goal                = 0.99
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      total_service_filter = "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.counts["mails"].name}\""
      good_service_filter  = "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.counts["in_time"].name}\""
    }
  }
}

locals {
  budgets = {
    margen-de-errores = { title = "El margen de errores se consume", slo = google_monitoring_slo.web.name }
    correos-tarde     = { title = "Los correos llegan tarde", slo = google_monitoring_slo.batches.name }
  }
}

# Two per cent of a month's margin in an hour, and still going on.
resource "google_monitoring_alert_policy" "budgets" {
  for_each = local.budgets

  project               = var.project
  display_name          = each.value.title
  severity              = "ERROR"
  combiner              = "AND"
  notification_channels = local.channels

  dynamic "conditions" {
    for_each = { "1 hora" = "3600s", "5 minutos" = "300s" }

    content {
      display_name = conditions.key

      condition_threshold {
        filter          = "select_slo_burn_rate(\"${each.value.slo}\", \"${conditions.value}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = 13.4
        duration        = "0s"
      }
    }
  }

  documentation {
    content   = local.runbook[each.key].text
    mime_type = "text/markdown"

    links {
      display_name = "Guía de operación"
      url          = local.runbook[each.key].url
    }
  }
}

resource "google_billing_budget" "monthly" {
  billing_account = var.billing_account
  display_name    = "Secciones (${var.environment})"

  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    specified_amount {
      currency_code = "USD"
      units         = var.monthly_budget
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]

    content {
      threshold_percent = threshold_rules.value
    }
  }

  all_updates_rule {
    monitoring_notification_channels = local.channels
  }
}
