"""Many accounts seen at once: the mirror says in which units they are, and a list of each unit what they are now.

A look-up of one account costs a query of Google's quota, and so does a list of 500.
"""

from collections import defaultdict
from collections.abc import Collection

from secciones.domain.accounts import Account, is_within
from secciones.domain.errors import DirectoryUnavailable, ListingExpired
from secciones.ports.accounts import AccountListing
from secciones.ports.documents import Documents
from secciones.services.mirror_accounts import ACCOUNTS

# One page is asked for so many accounts, so that lists never cost much on top of the look-ups that they do not save.
_ACCOUNTS_A_PAGE = 10
# A page that shows fewer is no better than looking these up: the unit is too large for lists.
_WORTH_ANOTHER = 2


def look_in_units(
    documents: Documents, listing: AccountListing, students_org_unit: str, addresses: Collection[str]
) -> dict[str, Account]:
    """Accounts as they are now, by address: those that are the same as in the mirror, and students' in both.

    Lists come out of Google's index, which may be behind by some minutes, so nothing is believed that only they say:
    of who is missing here nothing is known. An account that is in no unit but the students' own is not looked for,
    since that would be a list of everyone.
    """
    mirrored = documents.transact(lambda transaction: transaction.get_many(ACCOUNTS, addresses))
    by_unit: dict[str, dict[str, str]] = defaultdict(dict)
    for address, document in mirrored.items():
        if not document["refusal"] and has_list(document["org_unit"], students_org_unit):
            by_unit[document["org_unit"]][document["account_id"]] = address
    seen: dict[str, Account] = {}
    for unit, wanted in by_unit.items():
        for account in _listed(listing, unit, wanted):
            address = wanted[account.id]
            if account.address.lower() == address and is_within(account.org_unit, unit):
                seen[address] = account
    return seen


def has_list(unit: str, students_org_unit: str) -> bool:
    """Whether a unit is one of some students, and not the one of all, whose list would be one of everyone."""
    return unit != "" and not is_within(students_org_unit, unit)


def _listed(listing: AccountListing, unit: str, wanted: Collection[str]) -> list[Account]:
    """Those with the wanted ids, as far as a few pages show them."""
    found: list[Account] = []
    token = ""
    for _ in range(len(wanted) // _ACCOUNTS_A_PAGE):
        try:
            page = listing.page(token, unit)
        except (DirectoryUnavailable, ListingExpired):
            break
        shown = [account for account in page.accounts if account.id in wanted]
        found += shown
        token = page.next_token
        if not token or len(shown) < _WORTH_ANOTHER or len(found) >= len(wanted):
            break
    return found
