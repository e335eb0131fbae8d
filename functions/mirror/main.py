"""Keeps what pages have to know of accounts; called by Cloud Scheduler."""

from secciones.entry import task_function
from secciones.settings import MirrorSettings
from secciones.tasks.mirror_task import mirror_once

mirror = task_function(MirrorSettings, mirror_once)
