"""The headers that every answer of a page carries."""

import flask

HEADERS = {
    # Nothing but our own files; a page that was injected into can load, send and frame nothing.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "object-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Pages with forms say same-origin themselves (base.html): with this a browser would send `Origin: null` with them.
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def secure(response: flask.Response) -> flask.Response:
    """The answer with all of them; nobody else sets any, so none is looked for."""
    response.headers.extend(HEADERS.items())
    return response
