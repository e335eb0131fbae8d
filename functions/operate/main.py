"""What operators do besides looking: unlock, release, re-send, report, pause; called by them alone."""

from secciones.entry import task_function
from secciones.settings import OperateSettings
from secciones.tasks.operate_task import operate_once

operate = task_function(OperateSettings, operate_once)
