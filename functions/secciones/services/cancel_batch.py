"""An operator ends a batch that its teacher never asked for: whoever has the account is not given its passwords."""

from dataclasses import replace

from secciones.domain.batches import Batch, Lease
from secciones.ports.clock import Clock
from secciones.ports.documents import Documents, Transaction
from secciones.services.batches import SEALS, load, save


def cancel_batch(documents: Documents, clock: Clock, batch_id: str) -> Batch:
    """Change and mail nothing more, and destroy the seed: what was set is known to nobody, the mail cannot come again.

    Repeating it changes nothing. A mail that is being sent at this very moment is not held back, and a worker in the
    middle of changes sees it within four seconds (LeaseWatch); what it may have changed is said to be unconfirmed. The
    sweeper tells the audit of the end. Raises BatchNotFound.
    """

    def work(transaction: Transaction) -> Batch:
        batch, now = load(transaction, batch_id), clock.now()
        if not batch.is_sealed(now):
            return batch
        ended = replace(batch.stopped(), mail_failure="cancelled").ended(now) if batch.is_running else batch
        if batch.resends_done < batch.resends:
            ended = replace(ended, resends_done=batch.resends, resend_failure="cancelled")
        # The higher fence shuts out a worker that has it.
        ended = replace(ended, lease=Lease(batch.lease.fence + 1), sealed_until=now, sweep_at=now)
        save(transaction, ended)
        transaction.delete(SEALS, batch.id)
        return ended

    return documents.transact(work)
