# The institution's own names and numbers: to be set before the first apply.
environment     = "pruebas"
project         = "secciones-pruebas"
domain          = "pruebas.clases.edu.sv"
delegated_admin = "restablecimiento@clases.edu.sv"
mail_sender     = "secciones@clases.edu.sv"
oidc_client_id  = "secciones-pruebas.apps.googleusercontent.com"
siges_url       = "https://pruebas.siges.mined.gob.sv/api"

registry_exporter = "serviceAccount:exportador@siges-pruebas.iam.gserviceaccount.com"

# Units of synthetic people: nobody's real account is within reach of this environment.
teachers_org_unit = "/Pruebas/Docentes"
students_org_unit = "/Pruebas/Estudiantes"

# One of them tries every release. Google's own sign-in lets no program in, so theirs is another: any OpenID provider whose
# pages are two plain forms, such as infra/local/google.
synthetic_teacher = true
settings = {
  login  = { OIDC_ISSUER = "https://personas.pruebas.clases.edu.sv" }
  reset  = { BATCHES_PER_DAY = "1000" }
  worker = { COLLEAGUE_RESET_HOURS = "0", OWN_RESET_HOURS = "0" }
}

page_instances      = { min = 0, max = 2 }
deletion_protection = false

# A share of the quota, which both environments draw on.
directory_queries_per_minute = 240

alert_addresses = ["secciones-pruebas@clases.edu.sv"]
operators       = "group:secciones-operadores@clases.edu.sv"
runbook         = "https://codigo.mined.gob.sv/secciones/blob/main/infra/runbook"
billing_account = "000000-000000-000000"
monthly_budget  = 50
repository      = "projects/secciones-pruebas/locations/us-central1/connections/codigo/repositories/secciones"
