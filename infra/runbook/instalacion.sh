#!/usr/bin/env bash
# Instala Secciones paso a paso: mira si cada uno está hecho y, si no, dice qué hacer y se detiene.
#
#   infra/runbook/instalacion.sh AMBIENTE [PASO]        AMBIENTE: pruebas | produccion
#
# No cambia nada, salvo un permiso de quince minutos para quien lo ejecuta, con el que se prueba la delegación.
set -euo pipefail

AQUI=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TERRAFORM="$AQUI/../terraform"
PASOS="herramientas proyecto estado recursos secretos funciones consentimiento delegacion administracion dns portada mesa"

# El valor de una variable en el archivo del ambiente, o lo que vale si no está.
valor() { # nombre, si no está
  local linea
  linea=$(sed -n "s/^$1 *= *\"\([^\"]*\)\".*/\1/p" "$TERRAFORM/environments/$AMBIENTE.tfvars")
  echo "${linea:-${2:-}}"
}

falta() { # qué falta, qué hacer…
  echo "  FALTA  $1"
  shift
  printf '         %s\n' "$@"
  exit 1
}

bien() { echo "  bien   $1"; }

cuenta() { echo "$1@$PROYECTO.iam.gserviceaccount.com"; }

paso_herramientas() {
  local programa
  for programa in curl python3 openssl gcloud; do
    command -v "$programa" >/dev/null || falta "el programa $programa" "Use Cloud Shell, que lo tiene."
  done
  QUIEN=$(gcloud config get account 2>/dev/null || true)
  [ -n "$QUIEN" ] || falta "una cuenta en gcloud" "gcloud auth login"
  bien "programas y cuenta ($QUIEN)"
}

paso_proyecto() {
  gcloud projects describe "$PROYECTO" --format='value(projectNumber)' >/dev/null 2>&1 ||
    falta "el proyecto $PROYECTO" "gcloud projects create $PROYECTO" "y complete project en $AMBIENTE.tfvars"
  [ "$(gcloud billing projects describe "$PROYECTO" --format='value(billingEnabled)' 2>/dev/null)" = True ] ||
    falta "la facturación del proyecto" "gcloud billing projects link $PROYECTO --billing-account=$(valor billing_account CUENTA)"
  bien "proyecto con facturación"
}

paso_estado() {
  local balde="gs://$PROYECTO-terraform"
  [ "$(gcloud storage buckets describe "$balde" --format='value(versioning_enabled)' 2>/dev/null)" = True ] ||
    falta "el bucket $balde, con versiones" \
      "gcloud storage buckets create $balde --location=$REGION --uniform-bucket-level-access --public-access-prevention" \
      "gcloud storage buckets update $balde --versioning"
  bien "bucket del estado de Terraform"
}

paso_recursos() {
  local nombre
  for nombre in function-login function-worker function-operate mail-sender task-queue scheduler operators release; do
    gcloud iam service-accounts describe "$(cuenta "$nombre")" --project="$PROYECTO" >/dev/null 2>&1 ||
      falta "la cuenta $nombre: Terraform no se ha aplicado completo" "cd infra/terraform" \
        "terraform init -backend-config=environments/$AMBIENTE.tfbackend" \
        "terraform apply -var-file=environments/$AMBIENTE.tfvars"
    [ -z "$(gcloud iam service-accounts keys list --iam-account="$(cuenta "$nombre")" --managed-by=user \
      --format='value(name)' --project="$PROYECTO" 2>/dev/null)" ] ||
      falta "que la cuenta $nombre no tenga claves en archivos" "Bórrelas en IAM → Cuentas de servicio: nadie las necesita."
  done
  bien "cuentas de servicio, sin claves en archivos"
}

paso_secretos() {
  local nombre
  for nombre in session pseudonym registry siges oidc-client $(grep -q '^synthetic_teacher *= *true' \
    "$TERRAFORM/environments/$AMBIENTE.tfvars" && echo synthetic-teacher); do
    [ -n "$(gcloud secrets versions list "$nombre" --filter='state=ENABLED' --limit=1 --format='value(name)' \
      --project="$PROYECTO" 2>/dev/null)" ] || falta "el valor del secreto $nombre" "$(como_agregar "$nombre")"
  done
  bien "los secretos tienen valor"
}

como_agregar() { # secreto
  case "$1" in
    session | pseudonym | registry) echo "openssl rand -base64 48 | tr -d '\n' | gcloud secrets versions add $1 --data-file=- --project=$PROYECTO" ;;
    *) echo "read -rs V; printf '%s' \"\$V\" | gcloud secrets versions add $1 --data-file=- --project=$PROYECTO" ;;
  esac
}

paso_funciones() {
  local nombre imagen
  for nombre in login verify sections reset worker sweeper mirror auditor operate importer; do
    imagen=$(gcloud run services describe "$nombre" --region="$REGION" --project="$PROYECTO" \
      --format='value(spec.template.spec.containers[0].image)' 2>/dev/null || true)
    case "$imagen" in
      "" | *cloudrun/container/hello*)
        falta "la primera entrega de $nombre" "Cloud Build → Activadores → release → Ejecutar" ;;
    esac
  done
  bien "todas las funciones entregadas"
}

# Google acepta al cliente y su dirección de regreso solo si la pantalla de consentimiento y el cliente OAuth están bien.
paso_consentimiento() {
  local regreso="https://$DOMINIO/secciones/oauth2/callback" llevado
  llevado=$(curl --silent --max-time 20 --output /dev/null --write-out '%{redirect_url}' --get \
    --data-urlencode "client_id=$(valor oidc_client_id)" --data-urlencode "redirect_uri=$regreso" \
    --data 'response_type=code' --data 'scope=openid' --data 'prompt=none' \
    https://accounts.google.com/o/oauth2/v2/auth)
  case "$llevado" in
    "$regreso"*) ;;
    *) falta "el cliente OAuth o su dirección de regreso" \
      "Consola → Google Auth Platform: público interno; cliente «aplicación web» con la dirección $regreso" \
      "y su número en oidc_client_id de $AMBIENTE.tfvars" ;;
  esac
  bien "consentimiento y cliente OAuth"
}

# Un pase de una cuenta de servicio en nombre de una persona, para un alcance; vacío si Workspace no lo concede.
pase_delegado() { # cuenta de servicio, persona, alcance
  local carpeta respuesta
  carpeta=$(mktemp -d)
  python3 - "$1" "$2" "$3" >"$carpeta/reclamo" <<'PYTHON'
import json, sys, time
account, person, scope = sys.argv[1:]
now = int(time.time())
print(json.dumps({"iss": account, "sub": person, "scope": scope, "iat": now, "exp": now + 600,
                  "aud": "https://oauth2.googleapis.com/token"}))
PYTHON
  gcloud iam service-accounts sign-jwt "$carpeta/reclamo" "$carpeta/firmado" --iam-account="$1" >/dev/null 2>&1 || {
    rm -rf "$carpeta"
    echo "sin-firma"
    return
  }
  respuesta=$(curl --silent --max-time 20 --data-urlencode grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer \
    --data-urlencode "assertion@$carpeta/firmado" https://oauth2.googleapis.com/token)
  rm -rf "$carpeta"
  python3 -c 'import json, sys; print(json.loads(sys.stdin.read() or "{}").get("access_token", ""))' <<<"$respuesta"
}

permitir_firma() { # cuenta de servicio
  local hasta
  hasta=$(python3 -c 'import datetime as d; print((d.datetime.now(d.timezone.utc) + d.timedelta(minutes=15)).strftime("%Y-%m-%dT%H:%M:%SZ"))')
  gcloud iam service-accounts add-iam-policy-binding "$(cuenta "$1")" --project="$PROYECTO" --member="user:$QUIEN" \
    --role=roles/iam.serviceAccountTokenCreator \
    --condition="title=instalacion,expression=request.time < timestamp('$hasta')" >/dev/null
}

exigir_alcance() { # cuenta de servicio, persona, alcance
  local pase
  pase=$(pase_delegado "$(cuenta "$1")" "$2" "$3")
  [ "$pase" != sin-firma ] || falta "que pueda firmar como $1 para probarlo" \
    "El permiso tarda hasta dos minutos: repita el paso."
  [ -n "$pase" ] || falta "la delegación de $1 para $3 en nombre de $2" \
    "Consola de administración → Seguridad → Controles de API → Delegación de todo el dominio" \
    "Cliente: $(gcloud iam service-accounts describe "$(cuenta "$1")" --format='value(uniqueId)' --project="$PROYECTO")" \
    "Los cambios tardan hasta un día, casi siempre minutos."
  PASE=$pase
}

prohibir_alcance() { # cuenta de servicio, persona, alcance
  [ -z "$(pase_delegado "$(cuenta "$1")" "$2" "$3")" ] || falta "quitar a $1 el alcance $3" \
    "Consola de administración → Delegación de todo el dominio: esa cuenta no lo necesita."
}

paso_delegacion() {
  local cuenta_de_servicio
  for cuenta_de_servicio in $QUE_LEEN function-worker mail-sender; do permitir_firma "$cuenta_de_servicio"; done
  for cuenta_de_servicio in $QUE_LEEN; do
    exigir_alcance "$cuenta_de_servicio" "$ADMINISTRADOR" "$LEER"
    prohibir_alcance "$cuenta_de_servicio" "$ADMINISTRADOR" "$CAMBIAR"
  done
  exigir_alcance function-worker "$ADMINISTRADOR" "$LEER"
  exigir_alcance function-worker "$ADMINISTRADOR" "$CAMBIAR"
  prohibir_alcance function-worker "$REMITENTE" "$ENVIAR"
  exigir_alcance mail-sender "$REMITENTE" "$ENVIAR"
  prohibir_alcance mail-sender "$ADMINISTRADOR" "$CAMBIAR"
  bien "delegación: cada cuenta con sus alcances y ninguno más; el remitente existe"
}

# El estado de una llamada al directorio y, en RESPUESTA, lo que dijo. Un cambio vacío no cambia nada, y dice si se podría.
directorio() { # método, camino
  local todo
  todo=$(curl --silent --max-time 20 --request "$1" --header @<(printf 'Authorization: Bearer %s\n' "$PASE") \
    --header 'Content-Type: application/json' ${3:+--data "$3"} --write-out '\n%{http_code}' \
    "https://admin.googleapis.com/admin/directory/v1/$2")
  RESPUESTA=${todo%$'\n'*}
  ESTADO=${todo##*$'\n'}
}

# La primera cuenta de una unidad, en HALLADA.
buscar_cuenta() { # unidad
  directorio GET "users?customer=my_customer&maxResults=1&query=$(python3 -c \
    'import sys, urllib.parse; print(urllib.parse.quote("orgUnitPath=\x27%s\x27" % sys.argv[1]))' "$1")"
  [ "$ESTADO" = 200 ] || falta "que $ADMINISTRADOR pueda leer la unidad $1 (respuesta $ESTADO)" \
    "Consola de administración → Roles: leer usuarios, en esa unidad."
  HALLADA=$(python3 -c 'import json, sys; print((json.loads(sys.stdin.read()).get("users") or [{}])[0].get("id", ""))' \
    <<<"$RESPUESTA")
  [ -n "$HALLADA" ] || falta "una cuenta en $1" "Cree en esa unidad una cuenta de prueba."
}

paso_administracion() {
  local estudiante docente
  permitir_firma function-worker
  exigir_alcance function-worker "$ADMINISTRADOR" "$LEER"
  directorio GET "users/$ADMINISTRADOR"
  python3 -c 'import json, sys; sys.exit(json.loads(sys.stdin.read()).get("isAdmin") is not False)' <<<"$RESPUESTA" ||
    falta "que $ADMINISTRADOR no sea superadministradora" "Quítele ese rol: le basta el que se describe en tareas/instalar.md."
  buscar_cuenta "$ESTUDIANTES"
  estudiante=$HALLADA
  buscar_cuenta "$DOCENTES"
  docente=$HALLADA
  exigir_alcance function-worker "$ADMINISTRADOR" "$CAMBIAR"
  directorio PATCH "users/$estudiante" '{}'
  [ "$ESTADO" = 200 ] || falta "que $ADMINISTRADOR pueda cambiar cuentas de $ESTUDIANTES (respuesta $ESTADO)" \
    "Consola de administración → Roles: restablecer contraseña y exigir su cambio, en esa unidad."
  directorio PATCH "users/$docente" '{}'
  [ "$ESTADO" = 403 ] || falta "que $ADMINISTRADOR NO pueda cambiar cuentas de $DOCENTES (respuesta $ESTADO)" \
    "Consola de administración → Roles: limite ese rol a la unidad $ESTUDIANTES."
  bien "el rol de $ADMINISTRADOR está limitado a $ESTUDIANTES"
}

paso_dns() {
  local reservada apunta certificado
  reservada=$(gcloud compute addresses describe front-door --global --format='value(address)' --project="$PROYECTO")
  apunta=$(curl --silent --max-time 20 --header 'Accept: application/dns-json' \
    "https://dns.google/resolve?name=$DOMINIO&type=A" |
    python3 -c 'import json, sys; print(" ".join(a["data"] for a in json.load(sys.stdin).get("Answer", []) if a["type"] == 1))')
  [ "$apunta" = "$reservada" ] || falta "que $DOMINIO apunte a $reservada (apunta a: ${apunta:-nada})" \
    "Pida a quien administra el DNS un registro A con esa dirección, y ningún AAAA."
  certificado=$(gcloud compute ssl-certificates describe "secciones-${DOMINIO//./-}" --global \
    --format='value(managed.status)' --project="$PROYECTO")
  [ "$certificado" = ACTIVE ] || falta "el certificado de $DOMINIO (está $certificado)" \
    "Se emite solo, hasta una hora después de que el DNS apunte bien."
  bien "DNS y certificado"
}

paso_portada() {
  local todo
  todo=$(curl --silent --max-time 20 --head --write-out '%{http_code}' "https://$DOMINIO/secciones/" || true)
  case "$todo" in
    *200) ;;
    *) falta "que la portada responda" "Siga alertas/portada-caida.md." ;;
  esac
  grep -qi '^strict-transport-security:' <<<"$todo" || falta "las cabeceras de la portada" "Siga alertas/portada-caida.md."
  bien "la portada responde en https://$DOMINIO/secciones/"
}

paso_mesa() {
  local dicho
  dicho=$(printf 'aaaaaaaaaaaaaaaaaaaaaaaaaa\nInstalación: prueba de la mesa\n' |
    PROYECTO="$PROYECTO" REGION="$REGION" "$AQUI/operar.sh" report 2>&1 || true)
  grep -q 'there is no such batch' <<<"$dicho" || falta "que usted pueda usar la mesa de operación" \
    "Entre al grupo de operators en $AMBIENTE.tfvars; el permiso tarda unos minutos." "Respuesta: $dicho"
  bien "la mesa de operación le responde"
}

AMBIENTE=${1:-}
[ -n "$AMBIENTE" ] && [ -f "$TERRAFORM/environments/$AMBIENTE.tfvars" ] && [ $# -le 2 ] || {
  echo "uso: instalacion.sh pruebas|produccion [paso]; pasos: $PASOS" >&2
  exit 64
}
PROYECTO=$(valor project)
REGION=$(valor region us-central1)
DOMINIO=$(valor domain)
ADMINISTRADOR=$(valor delegated_admin)
REMITENTE=$(valor mail_sender)
DOCENTES=$(valor teachers_org_unit /Docentes)
ESTUDIANTES=$(valor students_org_unit /Estudiantes)
ALCANCES=https://www.googleapis.com/auth
QUE_LEEN="function-login function-sections function-mirror"
LEER=$ALCANCES/admin.directory.user.readonly
CAMBIAR=$ALCANCES/admin.directory.user
ENVIAR=$ALCANCES/gmail.send
QUIEN=$(gcloud config get account 2>/dev/null || true)

case " $PASOS " in
  *" ${2:-herramientas} "*) ;;
  *)
    echo "no hay un paso ${2}; pasos: $PASOS" >&2
    exit 64 ;;
esac

numero=0
for paso in $PASOS; do
  numero=$((numero + 1))
  if [ -z "${2:-}" ] || [ "$2" = "$paso" ]; then
    echo "Paso $numero de 12: $paso"
    "paso_$paso"
  fi
done
[ -n "${2:-}" ] || echo "Todo está completo."
