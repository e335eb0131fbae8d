"""The templates, rendered as the web layer renders them: valid, safe with hostile data, in the ministry's words."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import flask
import jinja2
import pytest

from infra.local.sample.names import Draw, given_names, surnames
from secciones.domain.outcomes import Outcome
from secciones.templates import page_environment
from secciones.web.compression import compressed
from tests.support.html import check_page, problems_of, text_of
from tests.unit.web.samples import (
    HOSTILE,
    HOSTILE_TEXT,
    NOON,
    NOT_CHANGED,
    SYSTEMS,
    Sample,
    Words,
    batch_row,
    class_list,
    samples,
    student_row,
)

WEB = Path(__file__).parents[3] / "web"
TEMPLATES = WEB / "templates"
STATIC = WEB / "static"

USUAL = {sample.name: sample for sample in samples(Words())}
WORST = {sample.name: sample for sample in samples(HOSTILE, students=60)}


def static(name: str) -> str:
    assert (STATIC / name).is_file(), f"{name} is not a static file"
    return f"/secciones/static/{name}"


ENVIRONMENT = page_environment(TEMPLATES, static, "Ministerio de Educación", "clases.edu.sv")


def render(sample: Sample, environment: jinja2.Environment = ENVIRONMENT) -> str:
    return environment.get_template(sample.template).render(
        user=sample.user,
        csrf_token="the-token" if sample.user else "",
        request_id="0af7651916cd43dd",
        **sample.context,
    )


def page(name: str) -> Element:
    return check_page(render(USUAL[name]))


def main_text(name: str) -> str:
    return text_of(only(page(name).iter("main")))


def only(elements: Iterable[Element]) -> Element:
    (element,) = elements
    return element


def fields(form: Element) -> list[tuple[str, str]]:
    return [(field.get("name", ""), field.get("value", "")) for field in form.iter("input")]


def form_to(action: str, tree: Element) -> Element:
    return next(form for form in tree.iter("form") if form.get("action") == action)


def links(tree: Element) -> dict[str, str]:
    return {text_of(link): link.get("href", "") for link in tree.iter("a")}


# --- Every page ---


@pytest.mark.parametrize("name", USUAL)
def test_a_page_is_valid_labelled_and_fit_for_the_strict_policy(name: str) -> None:
    check_page(render(USUAL[name]))


@pytest.mark.parametrize("name", WORST)
def test_a_page_stays_whole_whatever_names_and_ids_contain(name: str) -> None:
    tree = check_page(render(WORST[name]))
    assert [script.get("src") for script in tree.iter("script")] == ["/secciones/static/app.js"]
    assert not [image for image in tree.iter("img") if image.get("src") == "x"]
    assert "49" not in [word.strip() for word in text_of(tree).split("{{")]


def test_hostile_names_are_shown_as_they_are() -> None:
    tree = check_page(render(WORST["pages-students"]))
    assert f"{HOSTILE_TEXT} 59" in text_of(only(tree.iter("tbody")))


def test_every_template_of_a_page_has_a_sample() -> None:
    rendered = {sample.template for sample in USUAL.values()}
    written = {
        f"{folder}/{path.name}" for folder in ("pages", "errors") for path in (TEMPLATES / folder).glob("*.html")
    }
    assert rendered == written - {"errors/base.html"}


@pytest.mark.parametrize("name", USUAL)
def test_an_address_breaks_before_its_at_sign_and_not_in_the_middle_of_a_word(name: str) -> None:
    html = render(USUAL[name])
    assert Words().address not in html[html.index("<main") :]


@pytest.mark.parametrize("name", USUAL)
def test_the_point_of_a_time_of_day_ends_its_sentence(name: str) -> None:
    assert "m.." not in text_of(page(name)).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("name", USUAL)
def test_a_line_that_says_nothing_is_not_there_unless_a_script_fills_it(name: str) -> None:
    empty = [line for line in page(name).iter("p") if not text_of(line)]
    assert not [line for line in empty if not any(key.startswith("data-") for key in line.attrib)]


@pytest.mark.parametrize("name", USUAL)
def test_the_title_ends_with_the_name_of_the_service(name: str) -> None:
    title = text_of(only(page(name).iter("title")))
    assert re.fullmatch(r".+ · Restablecimiento de contraseñas por sección", title)


def test_titles_tell_pages_apart() -> None:
    titles: dict[str, set[str]] = {}
    for name, sample in USUAL.items():
        titles.setdefault(text_of(only(page(name).iter("title"))), set()).add(sample.template)
    assert [shared for shared in titles.values() if len(shared) > 1] == []


def test_the_user_menu_shows_who_is_signed_in_and_signs_out_with_a_token() -> None:
    menu = only(page("pages-schools-list").iter("details"))
    form = only(menu.iter("form"))
    assert text_of(only(menu.iter("summary"))) == "G Guardado de la O, María de los Ángeles Estefanía"
    assert "20410742@clases.edu.sv" in text_of(menu)
    assert (form.get("method"), form.get("action")) == ("post", "/secciones/salir")
    assert fields(form) == [("csrf_token", "the-token")]


def test_without_a_session_there_is_no_user_menu() -> None:
    assert not list(page("pages-landing").iter("details"))


def test_the_footer_names_the_institution() -> None:
    assert "Ministerio de Educación" in text_of(only(page("pages-landing").iter("footer")))


# --- The pages, one by one ---


def test_the_landing_page_leads_to_google() -> None:
    tree = page("pages-landing")
    assert links(tree)["Iniciar sesión con Google"] == "/secciones/entrar"
    assert text_of(only(tree.iter("h1"))) == "Restablecimiento de contraseñas por sección"


def test_the_landing_page_says_that_the_session_was_closed() -> None:
    assert "Su sesión se cerró" in main_text("pages-landing-signed_out")
    assert "Su sesión se cerró" not in main_text("pages-landing")


def test_the_guide_has_the_nine_steps() -> None:
    steps = next(element for element in page("pages-guide").iter("ol") if element.get("class") == "steps")
    assert len(steps) == 9


def test_identity_is_asked_for_in_the_words_of_the_ministry() -> None:
    tree = page("pages-identity")
    text = main_text("pages-identity")
    assert text_of(only(tree.iter("h1"))) == "Estimado : Guardado de la O, María de los Ángeles Estefanía"
    assert "Ingrese su DUI y NIP para consultar los grados que tiene asignados" in text
    assert (
        "Toda la información ingresada es monitoreada y en caso de detectarse uso inadecuado de la cuenta "
        "clases.edu.sv se procederá de acuerdo a las leyes vigentes." in text
    )
    assert links(tree)["Documento de proceso para restablecimiento de contraseñas"] == "/secciones/guia"
    form = form_to("/secciones/identidad", tree)
    labels = [text_of(label) for label in form.iter("label")]
    assert labels == ["DUI", "NIP (7 dígitos incluyendo ceros al inicio)"]
    assert text_of(only(form.iter("button"))) == "Ingresar"


def test_numbers_are_typed_on_a_number_pad_and_kept_by_no_browser() -> None:
    form = form_to("/secciones/identidad", page("pages-identity"))
    typed = [field for field in form.iter("input") if field.get("type") == "text"]
    assert [field.get("name") for field in typed] == ["dui", "nip"]
    assert {(field.get("inputmode"), field.get("autocomplete")) for field in typed} == {("numeric", "off")}


@pytest.mark.parametrize("state", ["missing", "invalid"])
def test_a_problem_stands_in_the_summary_and_at_its_field(state: str) -> None:
    tree = page(f"pages-identity-{state}")
    summary = next(element for element in tree.iter() if element.get("role") == "alert")
    by_id = {element.get("id"): element for element in tree.iter()}
    for sentence, address in links(summary).items():
        field = by_id[address.removeprefix("#")]
        described = [by_id[name] for name in field.get("aria-describedby", "").split()]
        assert field.get("aria-invalid") == "true"
        assert sentence in [text_of(element) for element in described]
    assert len(links(summary)) == 2


def test_a_refusal_tells_nothing_about_the_fields() -> None:
    tree = page("pages-identity-refused")
    assert "No fue posible comprobar su identidad" in main_text("pages-identity-refused")
    assert not [field for field in tree.iter("input") if field.get("aria-invalid")]


def test_a_check_digit_that_does_not_fit_is_a_hint_and_no_problem() -> None:
    tree = page("pages-identity-hint")
    assert "revise su DUI" in main_text("pages-identity-hint")
    assert "revise su DUI" not in main_text("pages-identity")
    assert not [element for element in tree.iter() if element.get("role") == "alert" or element.get("aria-invalid")]


def test_what_was_typed_as_dui_stays_and_the_nip_does_not() -> None:
    form = form_to("/secciones/identidad", page("pages-identity-refused"))
    assert ("dui", "01234567-8") in fields(form)
    assert ("nip", "") in fields(form)


def test_without_sections_the_page_says_what_to_correct_in_siges() -> None:
    text = main_text("pages-schools-none")
    assert "Qué corregir en SIGES" in text
    for step in ("registrado como docente del centro", "le asignen las secciones", "vuelva a consultar aquí"):
        assert step in text


def test_sections_are_links_with_shift_and_number_of_students() -> None:
    tree = page("pages-schools-chosen")
    sections = {text: address for text, address in links(tree).items() if "sección" in text}
    assert len(sections) == 12
    assert sections["Séptimo Grado, sección A Matutino · 1 estudiante"].endswith("/sec-2026-99101-001-0")
    assert "Séptimo Grado, sección B Matutino · 4 estudiantes" in sections


def test_the_chosen_school_is_marked_in_the_bar() -> None:
    nav = only(page("pages-schools-chosen").iter("nav"))
    current = [link for link in nav.iter("a") if link.get("aria-current")]
    assert [link.get("href") for link in current] == ["/secciones/centros/sec-2026-99101-001"]


def test_ids_are_quoted_in_addresses() -> None:
    tree = check_page(render(WORST["pages-schools-one"]))
    nav = only(tree.iter("nav"))
    address = next(nav.iter("a")).get("href", "")
    assert re.fullmatch(r"/secciones/centros/[\w.%/~-]+", address)


def test_each_student_is_a_box_with_their_name() -> None:
    tree = page("pages-students")
    names = {label.get("for"): text_of(label) for label in tree.iter("label")}
    boxes = [field for field in tree.iter("input") if field.get("name") == "student"]
    assert [box.get("value") for box in boxes] == [f"sec-2026-99101-001-{number}" for number in range(28)]
    assert names[boxes[27].get("id")].endswith("Estefanía 27")


def test_students_are_sent_with_everything_that_the_reset_asks_for() -> None:
    form = form_to("/secciones/restablecer", page("pages-students"))
    hidden = [field for field in fields(form) if field[0] not in {"student", "search", ""}]
    assert hidden == [
        ("csrf_token", "the-token"),
        ("form_nonce", "nonce"),
        ("school", "sec-2026-99101-001"),
        ("section", "sec-2026-99101-001-0"),
    ]


def test_students_are_found_ordered_and_ticked_in_groups_without_a_script() -> None:
    form = form_to("/secciones/restablecer", page("pages-students"))
    here = "/secciones/centros/sec-2026-99101-001/sec-2026-99101-001-0"
    buttons = {text_of(b): (b.get("name"), b.get("value"), b.get("formaction")) for b in form.iter("button")}
    assert buttons == {
        "Aplicar": (None, None, here),
        "Todos": ("group", "all", here),
        "Ninguno": ("group", "none", here),
        "Nunca han ingresado": ("group", "never", here),
        "Sin ingresar en 30 días": ("group", "idle", here),
        "Sin ingresar desde su restablecimiento": ("group", "since_reset", here),
        "Procesar": (None, None, None),
        "Seleccionar también en otra sección": ("then", "another", here),
    }
    assert text_of(next(form.iter("button"))) == "Aplicar", "the Enter key presses the first one"
    box = next(field for field in form.iter("input") if field.get("id") == "all")
    assert "hidden" in box.attrib


def test_a_search_hides_students_and_no_tick() -> None:
    form = form_to("/secciones/restablecer", page("pages-students-searched"))
    boxes = {f.get("value"): "checked" in f.attrib for f in form.iter("input") if f.get("type") == "checkbox"}
    apart = [value for name, value in fields(form) if name == "student" and value not in boxes]
    assert [value for value, is_ticked in boxes.items() if is_ticked] == ["sec-2026-99101-001-2"]
    assert apart == ["sec-2026-99101-001-0", "sec-2026-99101-001-1"]
    text = main_text("pages-students-searched")
    assert "3 estudiantes seleccionados 2 no aparecen en la búsqueda" in text
    assert "1 estudiante coincide" in text
    assert "Ningún estudiante coincide" in main_text("pages-students-not_found")


def test_the_limit_is_named_only_where_it_matters() -> None:
    assert "hasta 10 estudiantes" in main_text("pages-students-over_limit")
    assert "hasta" not in main_text("pages-students")


@pytest.mark.parametrize(
    ("count", "button"), [(1, "Sí, restablecer 1 contraseña"), (28, "Sí, restablecer 21 contraseñas")]
)
def test_confirming_names_the_count_and_carries_the_choice(count: int, button: str) -> None:
    tree = page(f"pages-confirm-{count}")
    form = form_to("/secciones/restablecer", tree)
    sent = fields(form)
    assert [text_of(b) for b in form.iter("button")] == [button, "Cancelar"]
    assert {value for name, value in sent if name == "student"} == {f"sec-2026-99101-001-{n}" for n in range(count)}
    assert {("confirmed", "yes"), ("form_nonce", "nonce"), ("csrf_token", "the-token")} <= set(sent)
    assert links(tree)["Cambiar la selección"] == "/secciones/centros/sec-2026-99101-001/sec-2026-99101-001-0"


def test_students_of_another_section_are_carried_with_its_ids() -> None:
    sent = fields(form_to("/secciones/restablecer", page("pages-confirm-two_sections")))
    assert [value for name, value in sent if name == "other"] == ["ce-99204/sec-2026-99101-001-1/e-2"]
    assert len([value for name, value in sent if name == "student"]) == 28
    sent = fields(form_to("/secciones/restablecer", page("pages-result-two_sections")))
    assert {value.rpartition("/")[0] for name, value in sent if name == "other"} == {"ce-99204/t"}


def test_what_is_ticked_in_other_sections_is_said_and_can_be_processed_from_there() -> None:
    assert "Además, 12 en otras secciones" in main_text("pages-students-elsewhere")
    text = main_text("pages-schools-ticked")
    assert "13 estudiantes seleccionados en 2 secciones" in text
    assert "1 estudiante seleccionado" in text
    form = form_to("/secciones/restablecer", page("pages-schools-ticked"))
    assert [name for name, _ in fields(form)] == ["csrf_token", "form_nonce"]


def test_confirming_tells_whose_account_cannot_be_changed_and_why() -> None:
    text = main_text("pages-confirm-28")
    assert "Sin cuenta que restablecer (7)" in text
    assert "Sin NIE ni correo en SIGES" in text


def test_where_nothing_can_be_changed_there_is_nothing_to_confirm() -> None:
    form = form_to("/secciones/restablecer", page("pages-confirm-hopeless"))
    assert [text_of(button) for button in form.iter("button")] == ["Cancelar"]


def test_what_the_mirror_says_stops_nobody_since_the_worker_looks_again() -> None:
    form = form_to("/secciones/restablecer", page("pages-confirm-nobody"))
    assert [text_of(button) for button in form.iter("button")] == ["Procesar de todos modos", "Cancelar"]


def test_the_summary_counts_who_loses_a_password_and_names_whom_a_colleague_has_reset() -> None:
    text = main_text("pages-confirm-28")
    assert "9 estudiantes ya usan su cuenta y perderán su contraseña actual" in text
    assert f"{Words().person} 1: hoy (9 de febrero de 2026, 8:00 a. m.), por {Words().person}; todavía no" in text
    assert f"{Words().person} 7: hace 6 días (3 de febrero de 2026, 12:00 p. m.), por usted." in text


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "Activa: ingresó hoy, el 9 de febrero de 2026"),
        (1, f"Nunca ha ingresado Restablecida hoy por {Words().person}"),
        (2, "Activa: ingresó ayer, el 8 de febrero de 2026"),
        (3, "Correo repetido en SIGES"),
        (4, "No existe"),
        (5, "Suspendida"),
        (6, "Activa: ingresó hace 6 meses, el 24 de julio de 2025"),
        (7, "Activa: ingresó hace 5 días, el 4 de febrero de 2026 Restablecida hace 6 días por usted"),
        (8, "Nunca ha ingresado"),
    ],
)
def test_a_row_says_where_the_account_stands(number: int, words: str) -> None:
    rows = list(only(page("pages-students").iter("tbody")))
    assert text_of(list(rows[number])[-1]) == words


def test_the_age_of_what_is_said_of_accounts_is_shown() -> None:
    assert "según Google, 9 de febrero de 2026, 11:00 a. m. Antes" in main_text("pages-students")
    assert "Todavía no se conoce el estado" in main_text("pages-students-unknown")
    assert "Sin datos" in main_text("pages-students-unknown")


def test_progress_shows_how_far_it_is_and_refreshes_itself_without_a_script() -> None:
    tree = page("pages-progress-running")
    bar = only(tree.iter("progress"))
    refresh = [tag for head in tree.iter("head") for script in head.iter("noscript") for tag in script.iter("meta")]
    assert (bar.get("value"), bar.get("max")) == ("14", "28")
    assert "14 de 28" in main_text("pages-progress-running")
    assert "uede cerrar esta página: el resultado le llegará por correo" in main_text("pages-progress-running")
    assert [(tag.get("http-equiv"), tag.get("content")) for tag in refresh] == [("refresh", "3")]


def test_progress_says_of_each_student_what_became_of_the_account_and_what_to_do() -> None:
    tree = page("pages-progress-running")
    rows = [text_of(row) for row in only(only(tree.iter("main")).iter("ul"))]
    assert len(rows) == 28
    name = Words().person
    assert rows[0] == f"{name} 0Contraseña restablecida. La contraseña temporal llegará en el correo."
    assert rows[1] == f"{name} 1Cuenta en espera."
    words = {template.get("id"): text_of(template) for template in tree.iter("template")}
    assert set(words) == {outcome.value for outcome in Outcome}
    assert words["suspended"].startswith("Cuenta suspendida. Solicite al soporte técnico")


def test_progress_says_aloud_only_what_the_whole_batch_is_doing() -> None:
    live = [each for each in page("pages-progress-running").iter() if each.get("role") == "status"]
    assert [phase.tag for phase in only(live)] == ["p"] * 4
    assert not [each for each in page("pages-progress-running").iter() if "aria-live" in each.attrib]


def test_a_student_adds_little_to_the_progress() -> None:
    most = {sample.name: sample for sample in samples(Words(), students=200)}
    many, some = (len(render(each["pages-progress-updated"]).encode()) for each in (most, USUAL))
    assert (many - some) / 172 <= 250


@pytest.mark.parametrize("state", ["accepted", "queued", "running", "updated"])
def test_progress_says_which_state_the_batch_is_in(state: str) -> None:
    phases = [element for element in page(f"pages-progress-{state}").iter() if "data-phase" in element.attrib]
    assert [phase.get("data-phase") for phase in phases if "hidden" not in phase.attrib] == [state]


def test_a_mailed_result_is_in_the_words_of_the_ministry() -> None:
    tree = page("pages-result-mailed")
    text = main_text("pages-result-mailed")
    assert text_of(only(tree.iter("h1"))) == "Resultado del proceso"
    assert (
        "Los datos de ingreso fueron enviados al correo 20410742@clases.edu.sv, en él encontrará las cuentas con sus "
        "respectivas contraseñas, favor tome en cuenta lo siguiente:" in text
    )
    assert len(only(tree.iter("ol"))) == 4
    assert links(tree)["Realizar otra consulta"] == "/secciones/centros"
    sign_outs = [form for form in only(tree.iter("main")).iter("form") if form.get("action") == "/secciones/salir"]
    assert text_of(only(sign_outs)) == "Salir"


def test_each_student_that_was_not_changed_is_listed_with_a_reason() -> None:
    rows = [batch_row(Words(), number, is_over=True) for number in range(len(NOT_CHANGED))]
    lists = [element for element in page("pages-result-mailed").iter("ul") if element.get("class") == "outcomes"]
    entries = [text_of(entry) for entry in only(lists)]
    assert len(entries) == len(rows)
    for entry, row in zip(entries, rows, strict=True):
        assert entry.startswith(row.name)
        assert len(entry) > len(f"{row.name} NIE {row.nie} · {row.address}") + 20


def test_no_code_of_an_outcome_reaches_a_reader() -> None:
    for name in ("pages-result-mailed", "pages-result-partial_mailed", "pages-students"):
        assert not re.search(r"\b[a-z]+_[a-z_]+\b", main_text(name))


def test_a_result_whose_mail_failed_says_so_and_gives_the_code() -> None:
    text = main_text("pages-result-partial_unmailed")
    assert "El proceso no se completó" in text
    assert "El correo no pudo entregarse" in text
    assert "ABCDEFGH" in text
    assert "fueron enviados" not in text
    assert "Pruebe la contraseña temporal" not in text, "nobody was given one"


def test_a_partial_result_that_was_mailed_keeps_the_four_points() -> None:
    text = main_text("pages-result-partial_mailed")
    assert "El proceso no se completó" in text
    assert "fueron enviados al correo" in text
    assert "no pudo entregarse" not in text


def test_a_mail_that_failed_is_not_called_a_process_that_ran_out_of_time() -> None:
    text = main_text("pages-result-all_changed_unmailed")
    assert "El correo no pudo entregarse" in text
    assert "El proceso no se completó" not in text


def test_a_mail_without_passwords_is_not_said_to_carry_some() -> None:
    text = main_text("pages-result-none_changed")
    assert "no se restableció ninguna contraseña" in text
    assert "encontrará las cuentas" not in text


def test_a_batch_that_changed_nothing_does_not_claim_otherwise() -> None:
    assert "No se cambió ninguna contraseña" in main_text("pages-result-partial_nothing")
    assert "Las contraseñas cambiaron" not in main_text("pages-result-partial_nothing")


def test_who_is_missing_is_reset_again_when_a_day_has_passed_and_until_then_the_page_says_from_when_on() -> None:
    button, words = (
        "Restablecer solo a los que faltan",
        "A partir del 10 de febrero de 2026, 12:01 p. m. podrá restablecer",
    )
    assert button not in main_text("pages-result-mailed")
    assert words in main_text("pages-result-mailed")
    assert button in main_text("pages-result-days_later")
    assert words not in main_text("pages-result-days_later")
    for nothing_to_reset in ("none_changed", "partial_unmailed"):
        assert "Los que todavía no han ingresado" not in main_text(f"pages-result-{nothing_to_reset}")


def test_the_list_says_from_when_on_who_is_missing_can_be_reset() -> None:
    words = "Podrá restablecer solo a los que faltan a partir del 10 de febrero de 2026, 12:01 p. m."
    sample = USUAL["pages-batches"]
    assert words in main_text("pages-batches")
    later = replace(sample, context={**sample.context, "now": NOON + timedelta(days=2)})
    assert words not in text_of(check_page(render(later)))
    views = [
        replace(view, signed_in={row.student_id: NOON for row in view.batch.rows}) for view in sample.context["batches"]
    ]
    all_have_used_it = replace(sample, context={**sample.context, "batches": views})
    assert words not in text_of(check_page(render(all_have_used_it)))


def test_the_result_shows_who_has_signed_in_since() -> None:
    sample = USUAL["pages-result-days_later"]
    used, changed = sample.context["view"].signed_in, sample.context["changed"]
    text = main_text("pages-result-days_later")
    assert f"{len(used)} de {len(changed)} ya ingresaron a su cuenta" in text
    missing, there = text.partition("Todavía no han ingresado (")[2].split("Ya ingresaron (")
    for row in changed:
        assert row.name in (there if row.student_id in used else missing)
    assert "Quiénes han ingresado" not in main_text("pages-result-none_changed")
    nobody_has_looked = replace(sample.context["view"], signed_in={}, whole_since=None)
    early = replace(sample, context={**sample.context, "view": nobody_has_looked})
    assert "aquí verá quiénes ya ingresaron" in text_of(check_page(render(early)))


# --- Errors ---


@pytest.mark.parametrize("name", [name for name in USUAL if name.startswith("errors-")])
def test_an_error_says_what_to_do_next_with_one_button(name: str) -> None:
    main = only(page(name).iter("main"))
    (button,) = (element for element in main.iter() if element.get("class") == "button")
    form = next(main.iter("form"), None)
    leads_to = form.get("action") if form is not None else button.get("href")
    assert (leads_to or "").startswith("/secciones/")
    assert "0af7651916cd43dd" in text_of(main)


def test_each_system_that_is_down_is_named_in_its_own_sentence() -> None:
    assert len({main_text(f"errors-unavailable-{system}") for system in SYSTEMS}) == len(SYSTEMS)


def test_a_session_that_ended_promises_no_tick_that_was_never_sent() -> None:
    """Nobody knows whose the form is that came too late."""
    text = main_text("errors-session_expired")
    assert "Los estudiantes marcados se conservan durante 8 horas" in text
    assert "pero no las marcas que la página no alcanzó a enviar" in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("errors-wrong_domain", "@clases.edu.sv"),
        ("errors-identity_locked", "Debe esperar"),
        ("errors-identity_locked-until_unlocked", "Solicite que le habiliten el ingreso"),
        ("errors-identity_locked", "a las 3:45 p. m. del 9 de febrero de 2026"),
        ("errors-identity_locked", "soporte técnico de clases.edu.sv"),
        ("errors-identity_locked-until_unlocked", "soporte técnico de clases.edu.sv"),
        ("errors-too_many_selected", "hasta 200 estudiantes"),
        ("errors-unavailable-siges", "SIGES"),
    ],
)
def test_an_error_names_what_the_reader_has_to_know(name: str, words: str) -> None:
    assert words in main_text(name)


@pytest.mark.parametrize("name", ["errors-identity_locked", "errors-internal", "pages-result-partial_unmailed"])
def test_whoever_is_sent_to_the_support_reads_how_to_reach_it_where_that_is_known(name: str) -> None:
    contact = "soporte@clases.edu.sv, teléfono 2592-0000"
    reachable = page_environment(TEMPLATES, static, "Ministerio de Educación", "clases.edu.sv", contact)
    assert f"soporte técnico de clases.edu.sv ({contact})" in text_of(check_page(render(USUAL[name], reachable)))
    assert "soporte técnico de clases.edu.sv (" not in main_text(name)


# --- The checker itself ---

GOOD = render(USUAL["pages-identity"])


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('<html lang="es">', '<html lang="en">', "lang"),
        ("</form>", "", "invalid HTML"),
        ("<h1>", "<h1>Otro</h1><h1>", "h1"),
        ('<label for="dui">', '<label for="nip">', "no label"),
        ('id="nip"', 'id="dui"', "used 2 times"),
        ('name="csrf_token"', 'name="token"', "csrf_token"),
        ("<main", '<main style="color: red"', "style"),
        ("<main", '<main onclick="x()"', "onclick"),
        ("</main>", "<script>x()</script></main>", "inline script"),
        ("</main>", '<img src="https://elsewhere.example/x.png" alt=""></main>', "own origin"),
        ("</main>", '<p><a href="#nowhere">x</a></p></main>', "leads nowhere"),
        ("</main>", '<p><a href="javascript:x()">x</a></p></main>', "javascript"),
        ("</main>", '<p><a href="/x"></a></p></main>', "without a name"),
        ("</main>", "<h3>x</h3></main>", "h3 follows h1"),
    ],
)
def test_the_checker_finds_what_is_wrong(before: str, after: str, problem: str) -> None:
    assert before in GOOD
    assert any(problem in found for found in problems_of(GOOD.replace(before, after, 1)))


# --- Files ---


@pytest.mark.parametrize(("name", "kilobytes"), [("app.css", 14), ("app.js", 8), ("google.svg", 1), ("icon.svg", 1)])
def test_a_static_file_stays_small(name: str, kilobytes: int) -> None:
    assert (STATIC / name).stat().st_size <= kilobytes * 1024


def test_the_first_view_weighs_little() -> None:
    files = sum((STATIC / name).stat().st_size for name in ("app.css", "app.js", "google.svg", "icon.svg"))
    assert files + len(render(USUAL["pages-landing"]).encode()) <= 50 * 1024


@pytest.mark.parametrize("name", [name for name in USUAL if not name.startswith("pages-students")])
def test_the_next_page_weighs_less(name: str) -> None:
    assert len(render(USUAL[name]).encode()) <= 15 * 1024


@pytest.mark.parametrize(("students", "kilobytes"), [(40, 6), (200, 14)])
def test_the_page_of_a_section_weighs_as_little_as_it_is_sent(students: int, kilobytes: int) -> None:
    """Compressed; the students differ in what students differ in."""
    draw = Draw("weights")
    rows = []
    for number in range(students):
        nie, name = f"{20_000_000 + draw.below(2_000_000)}", f"{surnames(draw)}, {given_names(draw)}"
        row = student_row(Words(id=f"est-{draw.below(10**6)}", address=f"{nie}@clases.edu.sv"), number)
        rows.append(replace(row, name=name, nie=nie))
    sample = replace(USUAL["pages-students"], context={**USUAL["pages-students"].context, **class_list(rows)})
    page = flask.Response(render(sample), mimetype="text/html")
    with flask.Flask("page").test_request_context(headers={"Accept-Encoding": "gzip"}) as context:
        assert len(compressed(context.request, page).get_data()) <= kilobytes * 1024


def test_the_style_sheet_loads_nothing() -> None:
    assert not re.search(r"url\(|@import|@font-face", (STATIC / "app.css").read_text())


def test_every_class_of_the_style_sheet_is_used() -> None:
    css = re.sub(r"/\*.*?\*/|\{[^{}]*\}", " ", (STATIC / "app.css").read_text(), flags=re.DOTALL)
    templates = "\n".join(path.read_text() for path in TEMPLATES.rglob("*.html"))
    unused = {
        name
        for name in re.findall(r"\.([a-z][a-z-]*)", css)
        if not re.search(rf"[\"' =]{name}[\"' ]", templates) and not name.startswith("notice-")
    }
    assert unused == set()


def tokens(css: str, scheme: str) -> dict[str, str]:
    light, _, after = css.partition("prefers-color-scheme: dark")
    dark = after.partition("\n}")[0]
    found: dict[str, Any] = dict(re.findall(r"(--[a-z-]+): (#[0-9a-f]{3,6});", light))
    return found if scheme == "light" else found | dict(re.findall(r"(--[a-z-]+): (#[0-9a-f]{3,6});", dark))


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        *[(front, back, 4.5) for front in ("ink", "quiet", "accent", "bad", "warn") for back in ("paper", "card")],
        *[(front, "accent-soft", 4.5) for front in ("ink", "quiet", "accent-strong", "warn")],
        *[("ink", f"{tone}-soft", 4.5) for tone in ("good", "warn", "bad")],
        ("accent", "bad-soft", 4.5),
        ("on-accent", "accent", 4.5),
        ("on-accent", "accent-strong", 4.5),
        *[("edge", back, 3.0) for back in ("paper", "card")],
        *[(tone, f"{tone}-soft", 3.0) for tone in ("good", "warn", "bad")],
    ],
)
def test_colours_can_be_told_apart(front: str, back: str, least: float, scheme: str) -> None:
    colours = tokens((STATIC / "app.css").read_text(), scheme)
    assert contrast(colours[f"--{front}"], colours[f"--{back}"]) >= least
