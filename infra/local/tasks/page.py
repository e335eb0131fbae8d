"""The page for people: what waits in the queue, what is under way, what was delivered."""

from datetime import UTC, datetime

from flask import Blueprint, render_template

from infra.local.tasks import history
from infra.local.tasks.dispatcher import Dispatcher
from infra.local.tasks.store import Store

SHOWN = 50


def page(store: Store, dispatcher: Dispatcher) -> Blueprint:
    """The one route, bound to a running queue."""
    routes = Blueprint("page", __name__, template_folder="templates")
    routes.add_app_template_filter(_clock, "clock")

    @routes.get("/")
    def show() -> str:
        queues = store.queues()
        return render_template(
            "queue.html",
            queues=queues,
            tasks={queue.name: store.tasks(queue.name, 0, SHOWN) for queue in queues},
            counts={queue.name: store.count(queue.name) for queue in queues},
            in_flight={queue.name: dispatcher.in_flight(queue.name) for queue in queues},
            dispatches=list(reversed(history.latest(store, SHOWN))),
        )

    return routes


def _clock(seconds: float | None) -> str:
    """In the time of this machine."""
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%d/%m/%Y %H:%M:%S")
