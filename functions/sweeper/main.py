"""Looks after batches that were left behind; called by Cloud Scheduler."""

from secciones.entry import task_function
from secciones.settings import SweeperSettings
from secciones.tasks.sweep_task import sweep_once

sweeper = task_function(SweeperSettings, sweep_once)
