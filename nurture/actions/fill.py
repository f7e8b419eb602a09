"""What the emails of due messages show, and the emails filled with it: what a claim sends is what a preview shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.actions.choose import Chosen
from nurture.actions.offer import Offer
from nurture.actions.queries import Queries, Version
from nurture.actions.release import Emails
from nurture.actions.values import event_values, owner_of, template_values
from nurture.core.email import Mailbox
from nurture.core.enter import EnterOn
from nurture.emails.fill import Envelope, FilledEmail, Filler
from nurture.store import messages, occasions
from nurture.store.accounts import load_accounts
from nurture.store.database import Connection
from nurture.store.messages import Candidate


@dataclass(frozen=True, slots=True)
class Filled:
    """One contact's values in a compiled email: `stream` is all that is kept of them."""

    filler: Filler
    digest: str
    chosen: Chosen
    stream: str
    recipient: Mailbox
    tracked: bool
    sender: Mailbox | None

    @property
    def kid(self) -> int:
        """The key its links are signed with."""
        return self.filler.signer.kid

    def email(
        self, contact_id: str, message_id: str, now: datetime, *, to: Mailbox | None = None, quiet: bool = False
    ) -> FilledEmail:
        """The email under those ids as it leaves at `now` (aware UTC), or goes to somebody else.

        `quiet` leaves out what counts opens and clicks, as for those who are not tracked.
        """
        envelope = Envelope(
            contact_id, message_id, to or self.recipient, now, self.tracked, self.kid, preview=quiet,
            sender=self.sender,
        )  # fmt: skip
        return self.filler.email(self.stream, envelope)


class Filling:
    """Fills emails of one campaign's due messages. All that they show is read at once, when it is made."""

    def __init__(
        self, connection: Connection, queries: Queries, emails: Emails, version: Version,
        candidates: Sequence[Candidate], offers: Mapping[str, Offer],
    ) -> None:  # fmt: skip
        self._queries, self._emails, self._version, self._offers = queries, emails, version, offers
        bought = {one.contact_id for one in candidates if one.contact["purchase_count"]}
        self._purchases = messages.last_purchases(connection, bought)
        self._events = self._entered_on(connection, candidates)
        self._accounts = load_accounts(connection, filter(None, {one.contact["account_id"] for one in candidates}))

    def _entered_on(self, connection: Connection, candidates: Sequence[Candidate]) -> dict[str, dict[str, Any]]:
        """The values of the events on which they entered, by enrollment."""
        if not isinstance(self._version.course.campaign.enter, EnterOn):
            return {}
        keys = [(one.contact_id, one.enrollment_id) for one in candidates]
        currency = self._queries.program.project.currency
        found = occasions.entered_on(connection, keys)
        return {enrollment: event_values(event, currency) for enrollment, event in found.items()}

    def of(self, candidate: Candidate, chosen: Chosen) -> Filled:
        """The email of one of them. Raises RenderError where it cannot be made, NotFound where there is none."""
        contact = {**candidate.contact, "account": self._accounts.get(candidate.contact["account_id"])}
        campaign = self._version.course.campaign
        locale, variant = contact["locale"], chosen.variant or ""
        digest = self._version.emails.email(campaign.name, candidate.step, locale, variant)
        filler = self._emails.filler(digest)
        offer = self._offers.get(candidate.id)
        coupon = offer.values(contact["locale"] or self._queries.program.project.locale) if offer else None
        purchase, event = self._purchases.get(candidate.contact_id), self._events.get(candidate.enrollment_id)
        values = template_values(campaign, contact, purchase, candidate.asked.zone.key, event, coupon)
        recipient = Mailbox(" ".join(filter(None, (contact["first_name"], contact["last_name"]))), contact["address"])
        sender = owner_of(campaign, contact["account"], filler.compiled.branding.sender)
        return Filled(filler, digest, chosen, filler.render(values), recipient, bool(contact["tracked"]), sender)
