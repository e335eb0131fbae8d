"""A teacher who typed wrong numbers, or at whose DUI others guessed, may try again at once."""

from secciones.ports.documents import Documents, Transaction
from secciones.services.attempts import COLLECTION
from secciones.services.verify_identity import account_counter, binding_of_person, dui_counters


def unlock(documents: Documents, actor: str) -> dict[str, int]:
    """Forget the attempts at a person's DUI and of the account that is bound to it; returns how many there were, by
    counter. Repeating it finds none."""

    def work(transaction: Transaction) -> dict[str, int]:
        binding = binding_of_person(transaction, actor)
        keys = dui_counters(actor) | ({"account": account_counter(binding["subject"])} if binding else {})
        counted = transaction.get_many(COLLECTION, keys.values())
        for key in counted:
            transaction.delete(COLLECTION, key)
        attempts = {name: counted[key]["attempts"] for name, key in keys.items() if key in counted}
        return {name: number for name, number in attempts.items() if number}

    return documents.transact(work)
