"""Brings batches to their end; called by Cloud Tasks."""

from secciones.entry import task_function
from secciones.settings import WorkerSettings
from secciones.tasks.batch_task import work_on_batch

worker = task_function(WorkerSettings, work_on_batch)
