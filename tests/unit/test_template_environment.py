"""The rules of rendering that pages and mails share."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import jinja2
import pytest

from secciones.templates import local_date, template_environment


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def test_pages_are_escaped_and_texts_are_not(tmp_path: Path) -> None:
    write(tmp_path, "a.html", "{{ name }}")
    write(tmp_path, "a.txt", "{{ name }}")
    environment = template_environment(tmp_path)
    assert environment.get_template("a.html").render(name="<b> & co") == "&lt;b&gt; &amp; co"
    assert environment.get_template("a.txt").render(name="<b> & co") == "<b> & co"


def test_a_name_that_nobody_gave_is_an_error_and_not_a_blank(tmp_path: Path) -> None:
    environment = template_environment(write(tmp_path, "a.txt", "{{ nobody }}"))
    with pytest.raises(jinja2.UndefinedError):
        environment.get_template("a.txt").render()


def test_templates_of_all_folders_are_found_those_of_the_first_before_the_others(tmp_path: Path) -> None:
    first = write(tmp_path / "first", "a.txt", "first")
    second = write(tmp_path / "second", "a.txt", "second")
    write(second, "b.txt", "b")
    environment = template_environment(first, second)
    assert [environment.get_template(name).render() for name in ("a.txt", "b.txt")] == ["first", "b"]


def test_a_line_with_nothing_but_a_block_leaves_no_line(tmp_path: Path) -> None:
    folder = write(tmp_path, "a.txt", "a\n  {% if true %}\nb\n  {% endif %}\nc")
    assert template_environment(folder).get_template("a.txt").render() == "a\nb\nc"


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (
            datetime(2026, 11, 25, 20, 5, tzinfo=UTC),
            "25 de noviembre de 2026, 2:05\N{NO-BREAK SPACE}p.\N{NO-BREAK SPACE}m.",
        ),
        (
            datetime(2026, 1, 1, 5, 59, tzinfo=UTC),
            "31 de diciembre de 2025, 11:59\N{NO-BREAK SPACE}p.\N{NO-BREAK SPACE}m.",
        ),
        (datetime(2026, 7, 1, 6, 0, tzinfo=UTC), "1 de julio de 2026, 12:00\N{NO-BREAK SPACE}a.\N{NO-BREAK SPACE}m."),
        (
            datetime(2026, 3, 9, 8, 7, tzinfo=timezone(timedelta(hours=2))),
            "9 de marzo de 2026, 12:07\N{NO-BREAK SPACE}a.\N{NO-BREAK SPACE}m.",
        ),
    ],
)
def test_a_moment_is_written_as_in_el_salvador(moment: datetime, written: str, tmp_path: Path) -> None:
    environment = template_environment(write(tmp_path, "a.txt", "{{ moment|fecha }}"))
    assert environment.get_template("a.txt").render(moment=moment) == written


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 2, 9, 21, 45, tzinfo=UTC), "las 3:45\N{NO-BREAK SPACE}p.\N{NO-BREAK SPACE}m."),
        (datetime(2026, 2, 9, 19, 5, tzinfo=UTC), "la 1:05\N{NO-BREAK SPACE}p.\N{NO-BREAK SPACE}m."),
        (datetime(2026, 2, 9, 18, 0, tzinfo=UTC), "las 12:00\N{NO-BREAK SPACE}p.\N{NO-BREAK SPACE}m."),
        (datetime(2026, 2, 9, 6, 30, tzinfo=UTC), "las 12:30\N{NO-BREAK SPACE}a.\N{NO-BREAK SPACE}m."),
    ],
)
def test_a_time_of_day_is_written_as_in_el_salvador(moment: datetime, written: str, tmp_path: Path) -> None:
    environment = template_environment(write(tmp_path, "a.txt", "{{ moment|hora }}"))
    assert environment.get_template("a.txt").render(moment=moment) == written


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        local_date(datetime(2026, 11, 25, 20, 5))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("ana@clases.edu.sv", "ana<wbr>@clases.edu.sv"),
        ("<b>@x@y", "&lt;b&gt;<wbr>@x<wbr>@y"),
        ("", ""),
    ],
)
def test_an_address_breaks_before_its_at_and_is_escaped_all_the_same(
    address: str, written: str, tmp_path: Path
) -> None:
    environment = template_environment(write(tmp_path, "a.html", "{{ address|breakable }}"))
    assert environment.get_template("a.html").render(address=address) == written
