# The institution's own names and numbers: to be set before the first apply.
environment     = "produccion"
project         = "secciones-produccion"
domain          = "www.clases.edu.sv"
delegated_admin = "restablecimiento@clases.edu.sv"
mail_sender     = "secciones@clases.edu.sv"
oidc_client_id  = "secciones-produccion.apps.googleusercontent.com"
siges_url       = "https://siges.mined.gob.sv/api"

registry_exporter = "serviceAccount:exportador@siges-produccion.iam.gserviceaccount.com"

page_instances = { min = 1, max = 40 }

directory_queries_per_minute = 2160

alert_addresses = ["secciones-operacion@clases.edu.sv"]
operators       = "group:secciones-operadores@clases.edu.sv"
runbook         = "https://codigo.mined.gob.sv/secciones/blob/main/infra/runbook"
billing_account = "000000-000000-000000"
monthly_budget  = 300
repository      = "projects/secciones-produccion/locations/us-central1/connections/codigo/repositories/secciones"
audit_locked    = true
