"""The mirror of the Directory: what a page has to know of accounts, kept by passes over all of them.

What a live look finds is written here too. The worker looks again before it changes anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from secciones import logs
from secciones.domain.accounts import Account
from secciones.domain.errors import ListingExpired
from secciones.domain.outcomes import Outcome
from secciones.domain.standings import NOT_THERE, Standing, standing_of
from secciones.ports.accounts import AccountListing
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents, Transaction

ACCOUNTS = "accounts"
PASSES = "mirror"
CURRENT = "current"
# What has not changed is written again so often, not at every pass: writing is what a mirror costs.
_CONFIRMED_EVERY = timedelta(hours=12)
# So many times as old as it should be at most, and somebody has to look.
_TOO_OLD = 3
# A mirror that nobody keeps any more says nothing rather than something old.
_KEPT = timedelta(days=3)


@dataclass(frozen=True)
class Pass:
    """How far the current pass is. `whole_since` is when the last pass that was completed began: what the mirror says
    is true of that moment or of a later one."""

    began_at: datetime
    page_token: str
    is_whole: bool
    whole_since: datetime | None

    @classmethod
    def load(cls, source: Documents | Transaction) -> Self | None:
        """None before the first pass, and when none was made for days."""
        document = source.get(PASSES, CURRENT)
        if document is None:
            return None
        return cls(**{name: document[name] for name in ("began_at", "page_token", "is_whole", "whole_since")})

    def save(self, transaction: Transaction, now: datetime) -> None:
        """Write it with the transaction's other writes."""
        transaction.set(
            PASSES,
            CURRENT,
            {
                "began_at": self.began_at,
                "page_token": self.page_token,
                "is_whole": self.is_whole,
                "whole_since": self.whole_since,
                "expires_at": now + _KEPT,
            },
        )


@dataclass(frozen=True)
class Mirrored:
    """What one call has done."""

    pages: int = 0
    accounts: int = 0


def mirror_accounts(
    documents: Documents,
    listing: AccountListing,
    clock: Clock,
    students_org_unit: str,
    every: timedelta,
    ends_at: datetime,
) -> Mirrored:
    """Go on with the pass where the last call left it, or begin one when the last is older than `every`.

    Stops at `ends_at`, or when the pass is whole. Raises DirectoryUnavailable and DocumentsUnavailable; what was read
    by then is kept.
    """
    current, done = Pass.load(documents), Mirrored()
    _tell_when_old(current, clock.now() - _TOO_OLD * every)
    if current is None or (current.is_whole and clock.now() >= current.began_at + every):
        current = Pass(clock.now(), "", is_whole=False, whole_since=current.whole_since if current else None)
    while not current.is_whole and clock.now() < ends_at:
        try:
            page = listing.page(current.page_token)
        except ListingExpired:
            current = replace(current, began_at=clock.now(), page_token="")
            continue
        current = replace(current, page_token=page.next_token, is_whole=not page.next_token)
        if current.is_whole:
            current = replace(current, whole_since=current.began_at)
        _keep(documents, clock.now(), students_org_unit, page.accounts, current)
        done = Mirrored(done.pages + 1, done.accounts + len(page.accounts))
    return done


def _tell_when_old(current: Pass | None, oldest: datetime) -> None:
    since = current and (current.whole_since or current.began_at)
    if since and since < oldest:
        logs.write(
            "ERROR", "the mirror of the Directory is old: see why its passes do not end", since=since.isoformat()
        )


def mirrored_standing(document: Document | None, whole_since: datetime | None) -> Standing | None:
    """What a document of the mirror says; None when nobody has looked, or not for long."""
    if document is not None and (whole_since is None or document["seen_at"] >= whole_since - _CONFIRMED_EVERY):
        outcome = Outcome(document["refusal"]) if document["refusal"] else None
        return Standing(document["account_id"], outcome, document["last_sign_in"], org_unit=document["org_unit"])
    return NOT_THERE if whole_since is not None else None


def keep_standings(documents: Documents, now: datetime, standings: Mapping[str, Standing]) -> None:
    """What was seen now, by address, takes the place of what an earlier pass has seen."""

    def work(transaction: Transaction) -> None:
        for address, standing in standings.items():
            if standing == NOT_THERE:
                transaction.delete(ACCOUNTS, address)
            else:
                transaction.set(ACCOUNTS, address, _row(standing, now))

    documents.transact(work)


def _keep(documents: Documents, now: datetime, unit: str, accounts: Sequence[Account], current: Pass) -> None:
    rows = {account.address.lower(): _row(standing_of(account, account.address, unit), now) for account in accounts}

    def work(transaction: Transaction) -> None:
        known = transaction.get_many(ACCOUNTS, rows.keys())
        for address, row in rows.items():
            if _is_news(known.get(address), row, now):
                transaction.set(ACCOUNTS, address, row)
        current.save(transaction, now)

    documents.transact(work)


def _row(standing: Standing, now: datetime) -> Document:
    return {
        "account_id": standing.account_id,
        "refusal": standing.refusal.value if standing.refusal else "",
        "last_sign_in": standing.last_sign_in,
        "org_unit": standing.org_unit,
        "seen_at": now,
        "expires_at": now + _KEPT,
    }


def _is_news(known: Document | None, row: Document, now: datetime) -> bool:
    if known is None or known["seen_at"] <= now - _CONFIRMED_EVERY:
        return True
    return any(known[name] != row[name] for name in ("account_id", "refusal", "last_sign_in", "org_unit"))
