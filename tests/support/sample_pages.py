"""The samples of all pages, given to a browser as the server would: with the real headers, scripts and styles."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import flask
from playwright.sync_api import Route

from secciones.web.headers import secure
from tests.unit.web.samples import Sample
from tests.unit.web.test_templates import STATIC, render

ORIGIN = "https://secciones.test"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".webp": "image/webp"}
_HEADERS = dict(secure(flask.Response()).headers)


def fulfill(route: Route, samples: Mapping[str, Sample]) -> None:
    """Answer with the sample of that name, a static file, or a page whose title is the path."""
    path = urlsplit(route.request.url)._replace(scheme="", netloc="").geturl()
    if path.startswith("/secciones/static/"):
        static_file(route, path)
        return
    sample = samples.get(path.removeprefix("/"))
    page = render(sample) if sample else f"<!doctype html><title>{path}</title>"
    route.fulfill(body=page, content_type="text/html; charset=utf-8", headers=_HEADERS)


def static_file(route: Route, path: str) -> None:
    """Answer with a static file, under its own name or under the one that it was staged with."""
    file = STATIC / re.sub(r"\.[0-9a-f]{8,}(?=\.)", "", path.removeprefix("/secciones/static/"))
    route.fulfill(path=file, content_type=_TYPES[file.suffix])
