"""The script that sets up an environment: every step is seen to pass, and seen to stop with what is missing."""

import re
from pathlib import Path

import pytest

from tests.infra.terraform import RUNBOOK
from tests.support.programs import Programs

SCRIPT = RUNBOOK / "instalacion.sh"
STEPS = re.search('^PASOS="(.+)"$', SCRIPT.read_text(), re.MULTILINE)[1].split()  # type: ignore[index]
ADMIN = "restablecimiento@clases.edu.sv"
DIRECTORY = "https://admin.googleapis.com/admin/directory/v1/users"
LEER, CAMBIAR, ENVIAR = "admin.directory.user.readonly", "admin.directory.user", "gmail.send"
HEADERS = "HTTP/2 200\r\nstrict-transport-security: max-age=63072000\r\n\r\n"
DNS = '{"Answer": [{"type": 5, "data": "x."}, {"type": 1, "data": "203.0.113.9"}]}'


def assertion(account: str, scope: str) -> str:
    """The call that asks for a token of a service account on somebody's behalf."""
    return f'oauth2.googleapis.com/token & "iss": "{account}@ & /auth/{scope}", "iat"'


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    """Google as it answers when everything is as it should be."""
    programs = Programs(tmp_path / "programs", ("gcloud", "curl"))
    programs.answer("gcloud config get account", "admin@clases.edu.sv\n")
    programs.answer("gcloud config get project", "secciones-produccion\n")
    programs.answer("gcloud projects describe", "123456\n")
    programs.answer("gcloud billing projects describe", "True\n")
    programs.answer("gcloud storage buckets describe", "True\n")
    programs.answer("gcloud iam service-accounts describe", "1000\n")
    programs.answer("gcloud iam service-accounts keys list")
    programs.answer("gcloud iam service-accounts add-iam-policy-binding")
    programs.answer("gcloud iam service-accounts sign-jwt")
    programs.answer("gcloud secrets versions list", "projects/x/secrets/y/versions/1\n")
    programs.answer("gcloud run services describe", "us-central1-docker.pkg.dev/x/functions/login:abc\n")
    programs.answer("gcloud compute addresses describe", "203.0.113.9\n")
    programs.answer("gcloud compute ssl-certificates describe", "ACTIVE\n")
    programs.answer("gcloud auth print-identity-token", "eyJ.pase\n")
    programs.answer(
        "accounts.google.com/o/oauth2/v2/auth",
        "https://www.clases.edu.sv/secciones/oauth2/callback?error=interaction_required",
    )
    programs.answer("oauth2.googleapis.com/token", '{"error": "unauthorized_client"}')
    for account, scope in (
        ("function-login", LEER),
        ("function-sections", LEER),
        ("function-mirror", LEER),
        ("function-worker", LEER),
        ("function-worker", CAMBIAR),
        ("mail-sender", ENVIAR),
    ):
        programs.answer(assertion(account, scope), '{"access_token": "granted"}')
    programs.answer(f"{DIRECTORY}/{ADMIN}", '{"isAdmin": false, "isDelegatedAdmin": true}\n200')
    programs.answer("orgUnitPath%3D%27/Estudiantes%27", '{"users": [{"id": "11"}]}\n200')
    programs.answer("orgUnitPath%3D%27/Docentes%27", '{"users": [{"id": "22"}]}\n200')
    programs.answer(f"{DIRECTORY}/11", "{}\n200")
    programs.answer(f"{DIRECTORY}/22", '{"error": {"code": 403}}\n403')
    programs.answer("https://dns.google/resolve", DNS)
    programs.answer("--head ", HEADERS + "200")
    programs.answer("operate-123456", '{"error": "there is no such batch, or it is no longer kept"}\n404')
    return programs


def step(programs: Programs, name: str) -> str:
    """What the step says; it ends in success exactly when nothing is missing."""
    done = programs.run(SCRIPT, "produccion", name)
    assert (done.returncode == 0) == ("FALTA" not in done.stdout), done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", STEPS)
def test_a_step_passes_when_all_is_well(programs: Programs, name: str) -> None:
    assert "  bien   " in step(programs, name)


def test_from_the_first_step_to_the_last_all_is_complete(programs: Programs) -> None:
    done = programs.run(SCRIPT, "produccion")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("  bien   ") == len(STEPS)
    assert done.stdout.endswith("Todo está completo.\n")


@pytest.mark.parametrize(
    ("name", "pattern", "text", "code", "missing"),
    [
        ("herramientas", "gcloud config get account", "", 0, "una cuenta en gcloud"),
        ("proyecto", "gcloud projects describe", "", 1, "el proyecto secciones-produccion"),
        ("proyecto", "gcloud billing projects describe", "False\n", 0, "la facturación"),
        ("estado", "gcloud storage buckets describe", "", 1, "gs://secciones-produccion-terraform"),
        ("estado", "gcloud storage buckets describe", "False\n", 0, "con versiones"),
        ("recursos", "gcloud iam service-accounts describe operators@", "", 1, "la cuenta operators"),
        ("recursos", "keys list --iam-account=function-worker@", "key\n", 0, "claves en archivos"),
        ("secretos", "gcloud secrets versions list pseudonym", "", 0, "el secreto pseudonym"),
        ("secretos", "gcloud secrets versions list siges", "", 1, "el secreto siges"),
        ("funciones", "describe sweeper", "us-docker.pkg.dev/cloudrun/container/hello", 0, "entrega de sweeper"),
        ("funciones", "describe mirror", "", 1, "entrega de mirror"),
        ("funciones", "describe operate", "", 1, "entrega de operate"),
        ("consentimiento", "oauth2/v2/auth", "https://accounts.google.com/signin/oauth/error", 0, "cliente OAuth"),
        ("consentimiento", "oauth2/v2/auth", "", 0, "cliente OAuth"),
        ("delegacion", assertion("function-login", LEER), "{}", 0, "delegación de function-login"),
        ("delegacion", assertion("function-login", CAMBIAR), '{"access_token": "x"}', 0, "quitar a function-login"),
        ("delegacion", assertion("function-sections", LEER), "{}", 0, "delegación de function-sections"),
        ("delegacion", assertion("function-mirror", CAMBIAR), '{"access_token": "x"}', 0, "quitar a function-mirror"),
        ("delegacion", assertion("function-worker", CAMBIAR), "{}", 0, "delegación de function-worker"),
        ("delegacion", assertion("function-worker", ENVIAR), '{"access_token": "x"}', 0, "quitar a function-worker"),
        ("delegacion", assertion("mail-sender", ENVIAR), "{}", 0, "delegación de mail-sender"),
        ("delegacion", assertion("mail-sender", CAMBIAR), '{"access_token": "x"}', 0, "quitar a mail-sender"),
        ("delegacion", "sign-jwt", "", 1, "pueda firmar como function-login"),
        ("administracion", f"{DIRECTORY}/{ADMIN}", '{"isAdmin": true}\n200', 0, "no sea superadministradora"),
        ("administracion", f"{DIRECTORY}/{ADMIN}", '{"error": 1}\n403', 0, "no sea superadministradora"),
        ("administracion", "27/Estudiantes%27", "{}\n403", 0, "leer la unidad /Estudiantes"),
        ("administracion", "27/Docentes%27", "{}\n200", 0, "una cuenta en /Docentes"),
        ("administracion", f"{DIRECTORY}/11", "{}\n403", 0, "pueda cambiar cuentas de /Estudiantes"),
        ("administracion", f"{DIRECTORY}/22", "{}\n200", 0, "NO pueda cambiar cuentas de /Docentes"),
        ("dns", "https://dns.google/resolve", '{"Answer": []}', 0, "apunta a: nada"),
        ("dns", "https://dns.google/resolve", DNS.replace("203.0.113.9", "192.0.2.1"), 0, "apunta a: 192.0.2.1"),
        ("dns", "ssl-certificates describe", "PROVISIONING\n", 0, "está PROVISIONING"),
        ("portada", "--head ", "HTTP/2 503\r\n\r\n503", 0, "la portada responda"),
        ("portada", "--head ", "", 6, "la portada responda"),
        ("portada", "--head ", "HTTP/2 200\r\n\r\n200", 0, "cabeceras"),
        ("mesa", "operate-123456", "Forbidden\n403", 0, "usar la mesa"),
        ("mesa", "print-identity-token", "", 1, "usar la mesa"),
    ],
)
def test_a_step_stops_and_says_what_is_missing_and_what_to_do(
    programs: Programs, name: str, pattern: str, text: str, code: int, missing: str
) -> None:
    programs.answer(pattern, text, code)
    said = step(programs, name)
    assert "FALTA" in said, said
    assert missing in said
    assert len([line for line in said.splitlines() if line.startswith("         ")]) >= 1


def test_every_step_is_seen_to_fail() -> None:
    [marker] = [
        mark
        for mark in test_a_step_stops_and_says_what_is_missing_and_what_to_do.pytestmark  # type: ignore[attr-defined]
        if mark.name == "parametrize"
    ]
    assert {case[0] for case in marker.args[1]} == set(STEPS)


def test_the_first_step_that_fails_is_the_last(programs: Programs) -> None:
    programs.answer("gcloud billing projects describe", "False\n")
    done = programs.run(SCRIPT, "produccion")
    assert (done.returncode, done.stdout.count("Paso ")) == (1, 2)


def test_it_changes_nothing_but_its_own_passing_right_to_sign(programs: Programs) -> None:
    programs.run(SCRIPT, "produccion")
    reading = ("config get", "describe", "list", "sign-jwt", "print-identity-token")
    asked = [" ".join(map(str, call["arguments"])) for call in programs.calls("gcloud")]  # type: ignore[call-overload]
    changing = [line for line in asked if not any(word in line for word in reading)]
    assert changing
    for line in changing:
        assert "add-iam-policy-binding" in line
        assert "request.time < timestamp(" in line
    patched = [call for call in programs.calls("curl") if "PATCH" in call["arguments"]]  # type: ignore[operator]
    assert len(patched) == 2
    assert all("{}" in call["arguments"] for call in patched), "an empty change"  # type: ignore[operator]


def test_only_where_a_synthetic_teacher_tries_releases_is_its_sign_in_needed(programs: Programs) -> None:
    programs.answer("gcloud secrets versions list synthetic-teacher")
    assert programs.run(SCRIPT, "produccion", "secretos").returncode == 0
    assert "el secreto synthetic-teacher" in programs.run(SCRIPT, "pruebas", "secretos").stdout


@pytest.mark.parametrize("arguments", [(), ("nada",), ("produccion", "volar"), ("produccion", "dns", "x")])
def test_what_it_cannot_do_it_says(programs: Programs, arguments: tuple[str, ...]) -> None:
    done = programs.run(SCRIPT, *arguments)
    assert (done.returncode, "pasos: herramientas" in done.stderr) == (64, True)


def test_the_page_names_the_number_of_steps() -> None:
    assert len(STEPS) == 12
    assert "recorre doce pasos" in (RUNBOOK / "tareas/instalar.md").read_text()
