"""The runbook is true: its pages are whole, its links lead somewhere, its commands exist, and the desk's script does
what the pages say."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from secciones.tasks import operate_task
from tests.infra.gcloud import gcloud_commands, unknown_words
from tests.infra.terraform import ROOT, RUNBOOK
from tests.support.programs import Programs
from tests.support.world import World
from tests.unit.tasks.test_operate_task import ACTOR, DUI, asked

PAGES = sorted(RUNBOOK.rglob("*.md"))
TASKS = sorted((RUNBOOK / "tareas").glob("*.md"))
CHAPTERS = ["Para qué sirve", "Antes de empezar", "Qué hacer", "Cómo saber que quedó bien", "A quién llamar"]
DESK = RUNBOOK / "operar.sh"
SCRIPTS = sorted(RUNBOOK.glob("*.sh"))
ACTIONS = set(operate_task._ACTIONS)

_LINK = re.compile(r"\[[^\]]+\]\(([^)#]+)")
_SHELL = re.compile("^```sh$(.*?)^```$", re.MULTILINE | re.DOTALL)
_TOLD = re.compile(r'"([^"\n]*gcloud [^"\n]*)"(?=$|[ \\;])', re.MULTILINE)
_SCRIPT = re.compile(r"infra/runbook/([\w.-]+\.sh)((?: [\w-]+)*)")


def name(path: Path) -> str:
    return str(path.relative_to(RUNBOOK))


def shell(page: Path) -> str:
    """All that a page says to type."""
    return "\n".join(_SHELL.findall(page.read_text()))


@pytest.mark.parametrize("page", TASKS, ids=name)
def test_a_page_of_the_desk_has_its_chapters(page: Path) -> None:
    text = page.read_text()
    assert re.findall("^## (.+)$", text, re.MULTILINE) == CHAPTERS
    assert all(part.strip() for part in re.split("^##? .+$", text, flags=re.MULTILINE)[2:])


def test_the_index_leads_to_every_page_of_the_desk() -> None:
    led = {link for link in _LINK.findall((RUNBOOK / "README.md").read_text()) if link.startswith("tareas/")}
    assert led == {name(page) for page in TASKS}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_within_the_runbook_leads_somewhere(page: Path) -> None:
    links = [link for link in _LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_of_a_page_is_one_that_bash_and_gcloud_know(page: Path) -> None:
    typed = shell(page)
    assert subprocess.run(["bash", "-n"], input=typed, text=True, check=False).returncode == 0
    assert [word for command in gcloud_commands(typed) for word in unknown_words(command)] == []


def test_pages_say_to_type_commands_at_all() -> None:
    assert len([command for page in PAGES for command in gcloud_commands(shell(page))]) > 10


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_calls_our_scripts_as_they_are(page: Path) -> None:
    for script, arguments in _SCRIPT.findall(page.read_text()):
        assert (RUNBOOK / script) in SCRIPTS
        if script == DESK.name and arguments:
            assert arguments.split()[0] in ACTIONS, arguments


def test_the_index_explains_every_action_of_the_desk() -> None:
    table = (RUNBOOK / "README.md").read_text().partition("| Acción |")[2].partition("\n\n")[0]
    assert set(re.findall("`([a-z]+)`", "\n".join(line.split("|")[1] for line in table.splitlines()[2:]))) == ACTIONS


def test_a_resource_that_a_page_names_is_one_that_terraform_makes(production: list[Any]) -> None:
    made = {found.values.get("job_id") or found.values.get("name") for found in production}
    text = "\n".join(page.read_text() for page in PAGES)
    jobs = set(re.findall("Cloud Scheduler → `([^`]+)`", text)) | set(re.findall('labels.job_id="([^"]+)"', text))
    secrets = set(re.findall(r"^\| `([a-z-]+)` \|", (RUNBOOK / "tareas/cambiar-claves.md").read_text(), re.MULTILINE))
    assert jobs
    assert jobs <= made
    assert secrets == {
        found.values["secret_id"] for found in production if found.type == "google_secret_manager_secret"
    }


def commands_of(script: Path) -> list[str]:
    """What a script asks of gcloud, and what it tells its reader to ask, which stands in quotes."""
    text = script.read_text()
    told = "\n".join(_TOLD.findall(text))
    return gcloud_commands(told) + gcloud_commands(_TOLD.sub("", text))


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_a_script_is_one_that_bash_reads_and_stops_at_the_first_failure(script: Path) -> None:
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert "\nset -euo pipefail\n" in script.read_text()
    assert script.stat().st_mode & 0o111
    commands = commands_of(script)
    assert len(commands) > 2
    assert [word for command in commands for word in unknown_words(command)] == []


# The desk's script, between a gcloud and a curl that write down what they are asked.

TOKEN = "eyJ.pase.firmado"
REASON = "La docente llamó a la mesa"


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    programs = Programs(tmp_path / "programs", ("gcloud", "curl"))
    programs.answer("gcloud config get project", "secciones-x\n")
    programs.answer("gcloud config get account", "marta.rivas@mined.gob.sv\n")
    programs.answer("gcloud projects describe secciones-x", "123456\n")
    programs.answer("gcloud auth print-identity-token", f"{TOKEN}\n")
    programs.answer("curl", '{"action": "x"}\n\n200')
    return programs


TYPED: dict[str, tuple[str, dict[str, object]]] = {
    "report": (f"{'a' * 26}\n{REASON}\n", {"batch": "a" * 26}),
    "unlock": (f"{DUI}\n{REASON}\n", {"dui": DUI}),
    "release": (f"\n{ACTOR}\n{REASON}\n", {"actor": ACTOR}),
    "resend": (f"{'a' * 26}\n2\n{REASON}\n", {"batch": "a" * 26, "number": 2}),
    "cancel": (f"{'a' * 26}\n{REASON}\n", {"batch": "a" * 26}),
    "pause": (f"Vuelva más tarde\n{REASON}\n", {"notice": "Vuelva más tarde"}),
    "resume": (f"{REASON}\n", {}),
    "confirm": (f"roster.zip#17\n{REASON}\n", {"export": "roster.zip#17"}),
}


def sent(programs: Programs) -> Any:
    [call] = programs.calls("curl")
    return json.loads(str(call["input"]))


@pytest.mark.parametrize("action", TYPED)
def test_the_script_asks_for_what_an_action_needs_and_the_function_takes_it(
    programs: Programs, tmp_path: Path, action: str
) -> None:
    typed, asked_for = TYPED[action]
    done = programs.run(DESK, action, typed=typed)
    assert done.returncode == 0, done.stderr
    body = sent(programs)
    assert body == {"action": action, "operator": "marta.rivas@mined.gob.sv", "reason": REASON, **asked_for}
    assert asked(World.in_folder(tmp_path), body).status_code in {200, 404}, "understood by the function itself"


def test_every_action_of_the_desk_is_tried() -> None:
    assert set(TYPED) == ACTIONS


def test_the_token_is_for_this_function_alone_and_goes_to_cloud_run_and_to_the_function(programs: Programs) -> None:
    programs.run(DESK, "resume", typed=TYPED["resume"][0])
    [minted] = [call for call in programs.calls("gcloud") if "print-identity-token" in call["arguments"]]  # type: ignore[operator]
    url = "https://operate-123456.us-central1.run.app"
    assert minted["arguments"] == [
        "auth",
        "print-identity-token",
        "--impersonate-service-account=operators@secciones-x.iam.gserviceaccount.com",
        f"--audiences={url}",
        "--include-email",
    ]
    [call] = programs.calls("curl")
    assert call["arguments"][-1] == url  # type: ignore[index]
    assert f"X-Serverless-Authorization: Bearer {TOKEN}\nAuthorization: Bearer {TOKEN}\n" in call["headers"][0]  # type: ignore[index]


def test_neither_the_token_nor_a_dui_stands_on_a_command_line_or_on_the_screen(programs: Programs) -> None:
    done = programs.run(DESK, "unlock", typed=TYPED["unlock"][0])
    lines = [" ".join(call["arguments"]) for call in programs.calls()]  # type: ignore[arg-type]
    assert not [line for line in [*lines, done.stdout, done.stderr] if TOKEN in line or DUI in line]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("400", "qué falta"),
        ("403", "grupo de operadores"),
        ("404", "No existe"),
        ("503", "repita"),
        ("500", "500"),
    ],
)
def test_a_refusal_is_explained_and_is_no_success(programs: Programs, status: str, told: str) -> None:
    programs.answer("curl", '{"error": "x"}\n\n' + status)
    done = programs.run(DESK, "resume", typed=TYPED["resume"][0])
    assert done.returncode == 1
    assert told in done.stderr
    assert '"error": "x"' in done.stdout


@pytest.mark.parametrize("arguments", [(), ("borrar",), ("pause", "resume")])
def test_what_the_desk_does_not_do_is_asked_of_nobody(programs: Programs, arguments: tuple[str, ...]) -> None:
    done = programs.run(DESK, *arguments)
    assert (done.returncode, "uso:" in done.stderr) == (64, True)
    assert not programs.calls("curl")


def test_without_a_token_nothing_is_called(programs: Programs) -> None:
    programs.answer("gcloud auth print-identity-token", "", 1)
    assert programs.run(DESK, "resume", typed=TYPED["resume"][0]).returncode != 0
    assert not programs.calls("curl")


# Each of these rules broken on purpose.


def test_a_link_to_nowhere_and_a_wrong_flag_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("[x](nada.md)\n\n```sh\ngcloud firestore export gs://x --databas=y\n```\n")
    with pytest.raises(AssertionError):
        test_every_link_within_the_runbook_leads_somewhere(page)
    with pytest.raises(AssertionError):
        test_every_command_of_a_page_is_one_that_bash_and_gcloud_know(page)


def test_an_action_that_does_not_exist_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("infra/runbook/operar.sh borrar\n")
    with pytest.raises(AssertionError):
        test_a_page_calls_our_scripts_as_they_are(page)
    assert ROOT in RUNBOOK.parents
