"""*Procesar*, its progress and its result: the pages of the function `reset`."""

from secciones.entry import http_function
from secciones.settings import ResetSettings
from secciones.web.pages.reset import ROUTES

reset = http_function(ResetSettings, ROUTES)
