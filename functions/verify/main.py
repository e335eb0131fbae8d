"""DUI and NIP: the pages of the function `verify`."""

from secciones.entry import http_function
from secciones.settings import VerifySettings
from secciones.web.pages.verify import ROUTES

verify = http_function(VerifySettings, ROUTES)
