"""Imports what the registry exports; called by Cloud Scheduler."""

from secciones.entry import task_function
from secciones.settings import ImporterSettings
from secciones.tasks.import_task import import_once

importer = task_function(ImporterSettings, import_once)
