"""Under /_control/: what tests and the local stack ask of a running queue, as JSON.

GET    /_control/state                     queues, tasks, rates, knobs
PATCH  /_control/delivery                  {hold, delaySeconds, order, duplicateNext, loseAnswers}
GET    /_control/history?task=&limit=      finished deliveries, oldest first
GET POST DELETE /_control/faults           {method, status, times, afterEffect}
POST   /_control/reset                     as after a first start, but for the queues' limits
"""

from dataclasses import replace

from flask import Blueprint, request

from infra.local.tasks import history
from infra.local.tasks.dispatcher import Dispatcher
from infra.local.tasks.errors import JsonObject, invalid
from infra.local.tasks.knobs import Knobs
from infra.local.tasks.model import RUNNING, Queue
from infra.local.tasks.store import Store

SHOWN = 1000


def control(store: Store, knobs: Knobs, dispatcher: Dispatcher) -> Blueprint:
    """The routes, bound to one running queue."""
    routes = Blueprint("control", __name__, url_prefix="/_control")

    def queue_state(queue: Queue) -> JsonObject:
        return {
            "name": queue.name,
            "state": queue.state,
            "tasks": store.count(queue.name),
            "inFlight": dispatcher.in_flight(queue.name),
            "effectiveDispatchesPerSecond": dispatcher.rate(queue),
        }

    @routes.get("/state")
    def state() -> JsonObject:
        return {
            "queues": [queue_state(queue) for queue in store.queues()],
            "delivery": knobs.delivery.resource(),
            "faults": [fault.resource() for fault in knobs.faults],
        }

    @routes.patch("/delivery")
    def delivery() -> JsonObject:
        changed = knobs.change(_object())
        dispatcher.wake()
        return changed.resource()

    @routes.get("/history")
    def dispatches() -> JsonObject:
        limit = request.args.get("limit", default=SHOWN, type=int)
        shown = history.latest(store, limit, request.args.get("task"))
        return {"dispatches": [dispatch.resource() for dispatch in shown]}

    @routes.get("/faults")
    def faults() -> JsonObject:
        return {"faults": [fault.resource() for fault in knobs.faults]}

    @routes.post("/faults")
    def add_fault() -> JsonObject:
        return knobs.add_fault(_object()).resource()

    @routes.delete("/faults")
    def clear_faults() -> JsonObject:
        knobs.clear_faults()
        return {}

    @routes.post("/reset")
    def reset() -> JsonObject:
        store.clear()
        history.forget(store)
        knobs.reset()
        dispatcher.forget_throttling()
        for queue in store.queues():
            store.put_queue(replace(queue, state=RUNNING))
        return {}

    return routes


def _object() -> JsonObject:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise invalid("a JSON object is expected")
    return body
