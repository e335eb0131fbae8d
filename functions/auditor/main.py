"""Holds the audit against its chain; called by Cloud Scheduler."""

from secciones.entry import task_function
from secciones.settings import AuditorSettings
from secciones.tasks.audit_task import audit_once

auditor = task_function(AuditorSettings, audit_once)
