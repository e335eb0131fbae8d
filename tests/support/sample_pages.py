"""The samples of all pages, given to a browser as the server would: with the real headers, scripts and styles."""

from collections.abc import Mapping
from pathlib import Path

import flask
from playwright.sync_api import Route

from secciones.web.headers import secure
from tests.unit.web.samples import Sample
from tests.unit.web.test_templates import STATIC, render

ORIGIN = "https://secciones.test"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
_HEADERS = dict(secure(flask.Response()).headers)


def fulfill(route: Route, samples: Mapping[str, Sample]) -> None:
    """Answer with the sample of that name, a static file, or a page whose title is the path."""
    path = route.request.url.removeprefix(ORIGIN)
    if path.startswith("/secciones/static/"):
        file = STATIC / Path(path).name
        route.fulfill(path=file, content_type=_TYPES[file.suffix])
        return
    sample = samples.get(path.removeprefix("/"))
    page = render(sample) if sample else f"<!doctype html><title>{path}</title>"
    route.fulfill(body=page, content_type="text/html; charset=utf-8", headers=_HEADERS)
