"""Schools, sections and students: the pages of the function `sections`."""

from secciones.entry import http_function
from secciones.settings import SectionsSettings
from secciones.web.pages.sections import ROUTES

sections = http_function(SectionsSettings, ROUTES)
