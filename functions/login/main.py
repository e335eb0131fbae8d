"""The way in and out: the pages of the function `login`."""

from secciones.entry import http_function
from secciones.settings import LoginSettings
from secciones.web.pages.login import ROUTES

login = http_function(LoginSettings, ROUTES)
