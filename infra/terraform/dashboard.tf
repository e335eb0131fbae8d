# One page for the operator's eye.

locals {
  cloud_run = "resource.type=\"cloud_run_revision\""

  # Title, what is counted, by which label.
  charts = [
    ["Lotes procesados", "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/batches\"", ""],
    ["Lotes terminados, por resultado", "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/accounts\"", "metric.label.outcome"],
    ["Correos por resultado", "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/mails\"", "metric.label.outcome"],
    ["Cuentas que Google no cambió, por razón", "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/refusals\"", "metric.label.reason"],
    ["Llamadas al Directorio que se repiten, por razón", "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/unreached\"", "metric.label.reason"],
    ["Identidades por resultado, bloqueos entre ellas", "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/verifications\"", "metric.label.outcome"],
    ["Entradas por resultado", "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/sign_ins\"", "metric.label.outcome"],
    ["Llamadas al Directorio, por respuesta", "resource.type=\"consumed_api\" AND resource.labels.service=\"admin.googleapis.com\" AND metric.type=\"serviceruntime.googleapis.com/api/request_count\"", "metric.label.response_code"],
    ["Sistemas que no responden", "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/unavailable\"", "metric.label.error"],
    ["Tareas devueltas a la cola", "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/given_back\"", "metric.label.error"],
    ["Respuestas por clase", "resource.type=\"https_lb_rule\" AND metric.type=\"loadbalancing.googleapis.com/https/request_count\"", "metric.label.response_code_class"],
    ["Documentos leídos (lo que cuesta)", "resource.type=\"firestore.googleapis.com/Database\" AND metric.type=\"firestore.googleapis.com/document/read_ops_count\"", ""],
    ["Documentos escritos (lo que cuesta)", "resource.type=\"firestore.googleapis.com/Database\" AND metric.type=\"firestore.googleapis.com/document/write_ops_count\"", ""],
    ["Barridos por resultado", "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/sweeps\"", "metric.label.outcome"],
  ]

  latencies = [
    ["Espera del lote abierto más antiguo (segundos)", "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/oldest_open\""],
    ["De Procesar al correo (segundos, percentil 95)", "${local.cloud_run} AND metric.type=\"logging.googleapis.com/user/mail_seconds\""],
    ["Latencia de las páginas (percentil 95)", "${local.cloud_run} AND metric.type=\"run.googleapis.com/request_latencies\""],
    ["Arranques en frío (percentil 95)", "${local.cloud_run} AND metric.type=\"run.googleapis.com/container/startup_latencies\""],
  ]

  gauges = [
    ["Lotes en la cola", "resource.type=\"cloud_tasks_queue\" AND metric.type=\"cloudtasks.googleapis.com/queue/depth\"", "ALIGN_MEAN"],
    ["Instancias (lo que cuesta)", "${local.cloud_run} AND metric.type=\"run.googleapis.com/container/billable_instance_time\"", "ALIGN_RATE"],
  ]

  widgets = concat(
    [for chart in local.charts : {
      title  = chart[0]
      filter = chart[1]
      aggregation = merge(
        { alignmentPeriod = "300s", perSeriesAligner = "ALIGN_DELTA", crossSeriesReducer = "REDUCE_SUM" },
        chart[2] == "" ? {} : { groupByFields = [chart[2]] },
      )
    }],
    [for chart in local.latencies : {
      title       = chart[0]
      filter      = chart[1]
      aggregation = { alignmentPeriod = "300s", perSeriesAligner = "ALIGN_PERCENTILE_95", crossSeriesReducer = "REDUCE_MAX", groupByFields = ["resource.label.service_name"] }
    }],
    [for chart in local.gauges : {
      title       = chart[0]
      filter      = chart[1]
      aggregation = { alignmentPeriod = "300s", perSeriesAligner = chart[2], crossSeriesReducer = "REDUCE_SUM" }
    }],
  )
}

resource "google_monitoring_dashboard" "secciones" {
  project = var.project

  dashboard_json = jsonencode({
    displayName = "Secciones"
    gridLayout = {
      columns = 3
      widgets = [for widget in local.widgets : {
        title = widget.title
        xyChart = {
          dataSets = [{
            plotType        = "LINE"
            timeSeriesQuery = { timeSeriesFilter = { filter = widget.filter, aggregation = widget.aggregation } }
          }]
        }
      }]
    }
  })

  depends_on = [google_logging_metric.counts, google_logging_metric.seconds]
}
