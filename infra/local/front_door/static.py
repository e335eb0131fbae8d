"""The static files, as the load balancer's bucket serves them: under names that never change.

What is not there is an empty 404, so that nobody meets the bucket's own English XML.
"""

from pathlib import Path

from aiohttp import web

from infra.local.front_door.routes import STATIC

PREFIX = f"/secciones/{STATIC}/"
FOREVER = "public, max-age=31536000, immutable"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


def static_file(request: web.Request, folder: Path) -> web.StreamResponse:
    """The file that the path names, or 404; 405 for a method that would change it."""
    if request.method not in ("GET", "HEAD"):
        return web.Response(status=405, headers={"Allow": "GET, HEAD"})
    file = (folder / request.rel_url.path.removeprefix(PREFIX)).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        return web.Response(status=404)
    return web.FileResponse(
        file,
        headers={
            "Cache-Control": FOREVER,
            "Content-Type": TYPES.get(file.suffix, "application/octet-stream"),
        },
    )
