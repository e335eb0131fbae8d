#!/usr/bin/env bash
# La mesa de operación: pregunta lo que hace falta, toma un pase de la cuenta `operators` y llama a la función `operate`.
#
#   infra/runbook/operar.sh report|unlock|release|resend|cancel|pause|resume|confirm
#
# Usa el proyecto de gcloud; PROYECTO y REGION lo cambian. Ni el pase ni el DUI pasan por una línea de órdenes.
set -euo pipefail

mostrar_uso() {
  echo "uso: operar.sh report|unlock|release|resend|cancel|pause|resume|confirm" >&2
  exit 64
}

preguntar() { # campo, pregunta
  local respuesta
  read -r -p "$2: " respuesta
  if [ -n "$respuesta" ]; then export "CAMPO_$1=$respuesta"; fi
}

preguntar_en_secreto() { # campo, pregunta
  local respuesta
  read -rs -p "$2: " respuesta
  echo >&2
  if [ -n "$respuesta" ]; then export "CAMPO_$1=$respuesta"; fi
}

persona() {
  preguntar_en_secreto dui "DUI (no se muestra; vacío si tiene el código de la auditoría)"
  if [ -z "${CAMPO_dui:-}" ]; then preguntar actor "Código de la persona en la auditoría (actor)"; fi
}

# Lo preguntado, como JSON: de las variables CAMPO_…, que ve solamente este usuario.
cuerpo() {
  python3 -c '
import json, os
fields = {name[6:]: value for name, value in os.environ.items() if name.startswith("CAMPO_")}
if fields.get("number", "").isdigit():
    fields["number"] = int(fields["number"])
print(json.dumps(fields))'
}

explicar() { # estado
  case "$1" in
    200) ;;
    400) echo "No se hizo nada: la respuesta dice qué falta o está mal escrito." ;;
    401 | 403) echo "No se hizo nada: su cuenta no está en el grupo de operadores, o el pase venció." ;;
    404) echo "No existe, o ya se borró." ;;
    409) echo "Ese correo no se puede reenviar con ese número: pida report." ;;
    503) echo "Un sistema no respondió: repita lo mismo en un minuto." ;;
    *) echo "La función respondió $1: repita, y si sigue, llame al equipo de Secciones." ;;
  esac
}

[ $# -eq 1 ] || mostrar_uso
PROYECTO=${PROYECTO:-$(gcloud config get project 2>/dev/null)}
REGION=${REGION:-us-central1}
export CAMPO_action=$1
case "$1" in
  report)
    preguntar batch "Número completo del lote (vacío para buscar por docente)"
    if [ -z "${CAMPO_batch:-}" ]; then preguntar teacher "Cuenta de la docente"; fi
    ;;
  unlock | release) persona ;;
  resend)
    preguntar batch "Número completo del lote"
    preguntar number "Uno más que resends del informe"
    ;;
  cancel) preguntar batch "Número completo del lote" ;;
  pause) preguntar notice "Aviso para las docentes (opcional)" ;;
  resume) ;;
  confirm) preguntar export "Nombre de la exportación, con su número, como está en el registro de eventos" ;;
  *) mostrar_uso ;;
esac
preguntar reason "Motivo (queda en la auditoría; sin DUI ni NIP)"
CAMPO_operator=$(gcloud config get account 2>/dev/null)
export CAMPO_operator

NUMERO=$(gcloud projects describe "$PROYECTO" --format='value(projectNumber)')
URL="https://operate-$NUMERO.$REGION.run.app"
PASE=$(gcloud auth print-identity-token --impersonate-service-account="operators@$PROYECTO.iam.gserviceaccount.com" \
  --audiences="$URL" --include-email)

# Dos veces el mismo pase: Cloud Run le quita la firma al que revisa, y la función revisa el otro.
RESPUESTA=$(cuerpo | curl --silent --show-error --max-time 60 --write-out '\n%{http_code}' --data-binary @- \
  --header @<(printf '%s: %s\n' X-Serverless-Authorization "Bearer $PASE" Authorization "Bearer $PASE" \
    Content-Type application/json) "$URL")
ESTADO=${RESPUESTA##*$'\n'}
TEXTO=${RESPUESTA%$'\n'*}
python3 -m json.tool --no-ensure-ascii <<<"$TEXTO" 2>/dev/null || echo "$TEXTO"
explicar "$ESTADO" >&2
[ "$ESTADO" = 200 ]
