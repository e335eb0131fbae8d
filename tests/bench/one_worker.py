"""A worker's process, as it is staged, that runs batches of so many accounts and says what each has cost.

    python one_worker.py MIRROR PAUSE COUNT ...        within the folder of a staged worker

With MIRROR `fresh` all accounts are in the mirror. Before each batch the worker is idle for PAUSE seconds.

It is a program of its own so that its time and memory are the worker's alone. One line of JSON for each batch, of which
the first also pays for imports, connections and tokens.
"""

import itertools
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from secciones import logs, wiring
from secciones.adapters.kms import SCOPE, KmsSealer
from secciones.adapters.system import fraction
from secciones.domain.batches import Batch, BatchSection, BatchState, Row
from secciones.domain.passwords import PASSWORD_VERSION
from secciones.services.batches import BATCHES, SEALS, load, to_document
from secciones.services.mirror_accounts import mirror_accounts
from secciones.services.run_batch import Worker, run_batch
from secciones.settings import WorkerSettings
from secciones.settings import load as settings_of
from secciones.stores import documents_of, own_token

FIRST_NIE = 5_000_000
SECTION = BatchSection("s1", "c1", "10001", "Centro Escolar", "Tercer Grado", "A", "Matutino")


def main(mirror: str, pause: float, counts: list[int]) -> None:
    """Run the batches one after the other, over accounts that none of them shares."""
    settings = settings_of(WorkerSettings)
    worker: Worker = wiring.ports(settings)
    logs.configure()
    if mirror == "fresh":
        ends_at = worker.clock.now() + timedelta(minutes=1)
        unit = settings.students_org_unit
        mirror_accounts(worker.documents, worker.listing, worker.clock, unit, timedelta(0), ends_at)
    firsts = itertools.accumulate(counts, initial=FIRST_NIE)
    for number, (count, first) in enumerate(zip(counts, firsts, strict=False)):
        batch_id = _record(settings, number, count, first)
        time.sleep(pause)
        began, cpu = time.perf_counter(), time.process_time()
        run_batch(worker, batch_id)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        if load(worker.documents, batch_id).state is not BatchState.MAILED:
            raise RuntimeError("a batch was not mailed")
        figures = {"accounts": count, "seconds": seconds, "cpu_seconds": cpu, "peak_mib": _peak_mib()}
        sys.stderr.write(json.dumps(figures) + "\n")


def _peak_mib() -> float:
    """Of this program alone: getrusage's begins with what the process that started it had used."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _record(settings: WorkerSettings, number: int, count: int, first: int) -> str:
    now = datetime.now(UTC)
    addresses = [f"{nie}@clases.edu.sv" for nie in range(first, first + count)]
    batch = Batch(
        id="abcdefghijklmnopqrstuvwxy" + "abcdefgh"[number],
        actor="actor",
        teacher_id="t1",
        teacher_name="Ana Muñoz",
        teacher_address="ana.munoz@clases.edu.sv",
        sections=(SECTION,),
        rows=tuple(
            Row(address, SECTION.id, address.partition("@")[0], f"Estudiante {address}", address)
            for address in addresses
        ),
        password_version=PASSWORD_VERSION,
        created_at=now,
        deadline=now + timedelta(hours=1),
        expires_at=now + timedelta(days=1),
    )
    sealer = KmsSealer(own_token(settings, SCOPE), settings.kms_api_endpoint, settings.seal_key, random=fraction)
    documents = documents_of(settings)
    for collection in (BATCHES, SEALS):
        documents.delete(collection, batch.id)
    documents.create(SEALS, batch.id, {"seed": sealer.seal(b"s" * 32, batch.id), "expires_at": batch.expires_at})
    documents.create(BATCHES, batch.id, to_document(batch))
    return batch.id


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), [int(count) for count in sys.argv[3:]])
