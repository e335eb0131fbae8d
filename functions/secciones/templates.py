"""How pages and mails are rendered: one set of rules for both, so that they can share their words."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import jinja2
from markupsafe import Markup

# El Salvador has no daylight saving time, so the image of a function needs no time zone database.
_EL_SALVADOR = timezone(timedelta(hours=-6))
_MONTHS = (
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
)


def template_environment(*folders: Path) -> jinja2.Environment:
    """Templates of these folders, or what `compile_templates` made of them; the first that has a name wins. `.html` is
    escaped, everything else is plain text."""
    return _environment(jinja2.ChoiceLoader([jinja2.ModuleLoader(folders), jinja2.FileSystemLoader(folders)]))


def compile_templates(target: Path, *folders: Path) -> None:
    """Write the Python that Jinja makes of the templates into a folder, so that no cold start has to make it.

    Raises jinja2.TemplateSyntaxError.
    """
    _environment(jinja2.FileSystemLoader(folders)).compile_templates(target, zip=None, ignore_errors=False)


def _environment(loader: jinja2.BaseLoader) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=loader,
        autoescape=jinja2.select_autoescape(["html"], default_for_string=True),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["fecha"] = local_time
    environment.filters["dia"] = local_date
    environment.filters["hora"] = local_hour
    environment.filters["days_before"] = days_before
    environment.filters["breakable"] = breakable
    return environment


def page_environment(
    folder: Path, static: Callable[[str], str], institution: str, domain: str, contact: str = ""
) -> jinja2.Environment:
    """The templates of the pages, with what all of them may use; `static` gives the address of a static file, `contact`
    says how the support is reached, if that is known."""
    environment = template_environment(folder)
    environment.globals.update(static=static, institution=institution, domain=domain, contact=contact)
    return environment


def local_time(moment: datetime) -> str:
    """The filter `fecha`: a moment as people in El Salvador write it. Raises ValueError for a time without a zone."""
    return f"{local_date(moment)}, {_time_of_day(moment)}"


def local_date(moment: datetime) -> str:
    """The filter `dia`: the day of a moment. Raises ValueError for a time without a zone."""
    local = _local(moment)
    return f"{local.day} de {_MONTHS[local.month - 1]} de {local.year}"


def local_hour(moment: datetime) -> str:
    """The filter `hora`: the time of day of a moment, with its article. Raises ValueError for a time without a zone."""
    return f"{'la' if _local(moment).hour % 12 == 1 else 'las'} {_time_of_day(moment)}"


def days_before(moment: datetime, now: datetime) -> int:
    """How many midnights in El Salvador lie between two moments."""
    return (_local(now).date() - _local(moment).date()).days


def breakable(address: str) -> Markup:
    """An address that breaks before its @ when it has to, and not in the middle of a word."""
    return Markup("<wbr>@").join(address.split("@"))


def _time_of_day(moment: datetime) -> str:
    """Never broken across lines. Its point also ends a sentence that it stands at the end of."""
    local = _local(moment)
    half = "a" if local.hour < 12 else "p"
    return f"{local.hour % 12 or 12}:{local:%M}\N{NO-BREAK SPACE}{half}.\N{NO-BREAK SPACE}m."


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is no moment")
    return moment.astimezone(_EL_SALVADOR)
