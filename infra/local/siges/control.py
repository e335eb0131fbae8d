"""The control plane of the stand-in, for tests and curious people; the real SIGES has nothing like it.

GET    /_control/               the state: fault in force, calls by operationId of the contract, changes to the registry
PUT    /_control/fault          {"status": 503 | 500 | 429 | null, "retryAfter": 1, "delay": 0.0, "times": null}
DELETE /_control/fault
DELETE /_control/calls
PUT    /_control/sections/{id}  {"state": "open" | "closed"}
PUT    /_control/assignments    {"teacherId": …, "sectionId": …, "assigned": true | false}
DELETE /_control/changes        back to the registry as exported
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from infra.local.siges.faults import FAULT_STATUSES, Fault, Faults
from infra.local.siges.problems import Problem
from infra.local.siges.registry import StoredRegistry


def control_plane(registry: StoredRegistry, faults: Faults) -> Blueprint:
    """The routes below /_control/."""
    control = Blueprint("control", __name__, url_prefix="/_control")

    @control.get("/")
    def describe() -> Response:
        return jsonify(faults.describe() | {"changes": asdict(registry.changes)})

    @control.put("/fault")
    def inject_fault() -> tuple[str, int]:
        faults.inject(_fault(_body()))
        return "", 204

    @control.delete("/fault")
    def lift_fault() -> tuple[str, int]:
        faults.inject(Fault())
        return "", 204

    @control.delete("/calls")
    def forget_calls() -> tuple[str, int]:
        faults.forget_calls()
        return "", 204

    @control.put("/sections/<section_id>")
    def set_section_state(section_id: str) -> tuple[str, int]:
        return _change(lambda: registry.set_section_state(section_id, str(_body().get("state"))))

    @control.put("/assignments")
    def assign() -> tuple[str, int]:
        body = _body()
        assigned = body.get("assigned")
        if not isinstance(assigned, bool):
            raise Problem(422, detail="assigned must be true or false")
        return _change(lambda: registry.assign(str(body.get("teacherId")), str(body.get("sectionId")), assigned))

    @control.delete("/changes")
    def forget_changes() -> tuple[str, int]:
        registry.forget_changes()
        return "", 204

    return control


def _change(make: Callable[[], None]) -> tuple[str, int]:
    try:
        make()
    except KeyError as error:
        raise Problem(422, detail="no such section, teacher or state") from error
    return "", 204


def _body() -> dict[str, Any]:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Problem(400, detail="a JSON object is expected")
    return body


def _fault(body: dict[str, Any]) -> Fault:
    fault = Fault(body.get("status"), body.get("retryAfter", 1), body.get("delay", 0.0), body.get("times"))
    if fault.status is not None and fault.status not in FAULT_STATUSES:
        raise Problem(422, detail=f"status must be null or one of {FAULT_STATUSES}")
    if not all(isinstance(number, int | float) and number >= 0 for number in (fault.retry_after, fault.delay)):
        raise Problem(422, detail="retryAfter and delay must be numbers")
    if fault.times is not None and not (isinstance(fault.times, int) and fault.times > 0):
        raise Problem(422, detail="times must be null or a positive whole number")
    return fault
