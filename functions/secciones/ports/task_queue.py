"""The queue that brings a batch to the worker."""

from typing import Protocol


class TaskQueue(Protocol):
    """Delivers each task at least once, in no order, perhaps minutes later."""

    def enqueue(self, batch_id: str, task_number: int) -> None:
        """Ask for the batch to be worked on. Returns when the queue has the task; the same pair again changes nothing.

        Raises QueueUnavailable, after which the queue may have the task all the same.
        """
        ...
