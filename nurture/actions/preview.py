"""Any email for any contact, from the files as they stand; and whether the gate would let it go at some time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Any

from nurture.actions.addresses import wanted_address
from nurture.actions.check import Checked
from nurture.actions.choose import Choices
from nurture.actions.claim import claim_in
from nurture.actions.offer import coupon_of
from nurture.actions.queries import Queries
from nurture.actions.release import Emails, Release
from nurture.actions.sample import own_fields, shown_coupon, shown_event
from nurture.actions.values import owner_of, template_values
from nurture.core.campaign import SendStep
from nurture.core.email import Mailbox, Outgoing
from nurture.core.enter import EnterOn
from nurture.core.errors import InputError, NotFound, ProjectError
from nurture.core.experiment import arm_in
from nurture.core.ids import derived_id, new_contact_id
from nurture.core.money import Money
from nurture.core.problem import Problem
from nurture.core.program import Program
from nurture.emails.compile import CompiledEmail
from nurture.emails.fill import Envelope, FilledEmail, Filler
from nurture.emails.links import Signer
from nurture.emails.source import FOLDER
from nurture.providers.base import Accepted, Provider
from nurture.store import messages, occasions, releases, stories
from nurture.store.accounts import load_accounts
from nurture.store.database import Database

SEND_SECONDS = 60.0
TEST = "[Test] "


@dataclass(frozen=True)
class Draft:
    """The project's files as they stand, as if they were a release; nothing of it is in the database."""

    checked: Checked
    program: Program
    release: Release
    emails: Emails


class _Drafts(Emails):
    """Compiled emails that no database holds."""

    def __init__(self, database: Database, signer: Signer, compiled: Mapping[str, CompiledEmail]) -> None:
        super().__init__(database, signer)
        self._ready = {digest: (email, Filler(email, signer)) for digest, email in compiled.items()}


def draft(database: Database, checked: Checked, signer: Signer, now: datetime) -> Draft:
    """Lay the checked files out. Raises ProjectError when the project file itself is wrong."""
    if checked.project is None:
        raise ProjectError(checked.problems)
    program = Program.of(checked.project, checked.campaigns)
    with database.read() as connection:
        salt = releases.get_meta(connection, "salt") or ""
    digests = {key: email.digest for key, email in checked.emails.items()}
    release = Release(0, "draft", now, program, digests, salt)
    compiled = {email.digest: email for email in checked.emails.values()}
    return Draft(checked, program, release, _Drafts(database, signer, compiled))


@dataclass(frozen=True, slots=True)
class Person:
    """Who an email is shown for: plain values as templates see them. `id` is None for somebody made up."""

    id: str | None
    contact: Mapping[str, Any]
    purchase: Mapping[str, Any] | None
    event: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether the email would leave at `at`; if not, why, and when it would be asked again."""

    at: datetime
    goes: bool
    reason: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """An email as its contact gets it. `size` is bytes on the wire."""

    campaign: str
    step: str
    template: str
    locale: str
    address: str
    made_up: bool
    subject: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    size: int
    problems: tuple[Problem, ...]
    gate: Gate | None = None
    variant: str | None = None


def preview(
    database: Database,
    draft: Draft,
    campaign: str,
    step: str,
    address: str | None,
    now: datetime,
    *,
    locale: str | None = None,
    at: datetime | None = None,
    event: Mapping[str, Any] | None = None,
    variant: str | None = None,
) -> Preview:
    """Show the email of a step for the contact with that address, or for somebody made up; `at` asks the gate too.

    `event` holds the fields of the event on which they entered; without it, it is their latest, or made up. Of a step
    with variants the one that the contact gets, the first for somebody made up, or the one that is named. Nothing is
    written. Raises NotFound for what does not exist, ProjectError for a campaign with errors, RenderError for an email
    that cannot be made for this contact. Times are aware UTC.
    """
    sends = _sending(draft, campaign, step)
    person = _person(database, draft.program, address, locale, now)
    person = _with_event(database, draft, campaign, person, event, now)
    variant = _variant(database, draft, campaign, sends, person, variant)
    compiled, email = _filled(draft, campaign, step, variant, person, None, now)
    template = sends.template(variant or "")
    return Preview(
        campaign=campaign,
        step=step,
        template=template,
        locale=compiled.locale,
        address=person.contact["address"],
        made_up=person.id is None,
        subject=email.subject,
        headers=_headers(email),
        text=email.text,
        html=email.html,
        size=len(email.as_bytes()),
        problems=_problems(draft.checked, campaign, template),
        gate=_gate(database, draft, campaign, step, person, at) if at else None,
        variant=variant,
    )


def send_test(
    database: Database,
    draft: Draft,
    provider: Provider,
    campaign: str,
    step: str,
    to: str,
    address: str | None,
    now: datetime,
    *,
    locale: str | None = None,
    variant: str | None = None,
) -> str:
    """Hand one email to the provider, its subject marked as a test, its links untracked. Returns the subject.

    Nothing is recorded. Raises InputError when the provider does not take it, and all that `preview` raises.
    """
    sends = _sending(draft, campaign, step)
    wanted_address(to)
    person = _person(database, draft.program, address, locale, now)
    person = _with_event(database, draft, campaign, person, None, now)
    variant = _variant(database, draft, campaign, sends, person, variant)
    _, email = _filled(draft, campaign, step, variant, person, Mailbox("", to), now)
    # Ids that belong to nobody: what comes back about a test concerns no contact.
    outgoing = Outgoing(new_contact_id(), new_contact_id(), campaign, step, email)
    outcome = provider.send([outgoing], monotonic() + SEND_SECONDS)[0]
    if not isinstance(outcome, Accepted):
        raise InputError(f"{provider.name} did not take the email: {outcome.detail}")
    return email.subject


def _sending(draft: Draft, campaign: str, step: str) -> SendStep:
    if campaign in draft.checked.broken:
        raise ProjectError([one for one in draft.checked.errors if _about(one, campaign, "")] or draft.checked.errors)
    course = draft.program.courses.get(campaign)
    if course is None:
        raise NotFound(f"there is no campaign {campaign!r}; there are {', '.join(draft.program.courses) or 'none'}")
    found = next((one for one in course.sends if one.id == step), None)
    if found is None:
        sends = ", ".join(one.id for one in course.sends) or "none"
        raise NotFound(f"{campaign} has no step {step!r} that sends an email; those that do: {sends}")
    return found


def _variant(
    database: Database, draft: Draft, campaign: str, sends: SendStep, person: Person, wanted: str | None
) -> str | None:
    """The variant to show; None where the step has none."""
    known = [one.id for one in sends.variants]
    if wanted is not None and wanted not in known:
        raise NotFound(f"{campaign}/{sends.id} has no variant {wanted!r}; it has {', '.join(known) or 'none'}")
    if wanted or not known or person.id is None:
        return wanted or next(iter(known), None)
    with database.read() as connection:
        return Choices(connection, draft.program.courses[campaign], draft.release.salt).now(sends.id, person.id).variant


def _problems(checked: Checked, campaign: str, template: str) -> tuple[Problem, ...]:
    return tuple(one for one in checked.problems if _about(one, campaign, template))


def _about(problem: Problem, campaign: str, template: str) -> bool:
    mine = f"{FOLDER}{template}."
    return problem.path in (f"campaigns/{campaign}.yaml", "nurture.yaml") or problem.path.startswith(mine)


def _person(database: Database, program: Program, address: str | None, locale: str | None, now: datetime) -> Person:
    if address is None:
        return _made_up(program, locale, now)
    key = wanted_address(address)
    with database.read() as connection:
        found = stories.template_contact(connection, key)
        if found is None:
            raise NotFound(f"{address} is no contact's; without --contact somebody is made up")
        found["account"] = load_accounts(connection, filter(None, [found["account_id"]])).get(found["account_id"] or "")
        bought = messages.last_purchases(connection, [found["id"]] if found["purchase_count"] else [])
    return Person(found["id"], found | ({"locale": locale} if locale else {}), bought.get(found["id"]))


def _with_event(
    database: Database, draft: Draft, campaign: str, person: Person, event: Mapping[str, Any] | None, now: datetime
) -> Person:
    course = draft.program.courses[campaign]
    return replace(person, event=shown_event(database, draft.program, course.campaign, person.id, event, now))


def _made_up(program: Program, locale: str | None, now: datetime) -> Person:
    price = Money(4990, program.project.currency)
    contact = {
        "address": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "stage": "customer",
        "locale": locale or program.project.locale, "country": "GB", "timezone": program.project.timezone,
        "signed_up_at": now, "tracked": True, "attributes": {}, "purchase_count": 1,
        "account": {"name": "Analytical Engines", "owner_name": "Grace Hopper", "owner_address": "grace@example.com"},
    }  # fmt: skip
    purchase = {
        "order_id": "sample-1", "occurred_at": now, "amount": price.minor, "currency": price.currency,
        "items": [{"name": "Sample", "price": str(price.amount), "quantity": 1}],
    }  # fmt: skip
    return Person(None, contact, purchase)


def _filled(
    draft: Draft, campaign: str, step: str, variant: str | None, person: Person, to: Mailbox | None, now: datetime
) -> tuple[CompiledEmail, FilledEmail]:
    """The email, to the contact or, as a test, to somebody else. Its links are signed for nobody."""
    contact, course = person.contact, draft.program.courses[campaign]
    digest = draft.release.email(campaign, step, contact["locale"], variant or "")
    compiled = draft.emails.compiled(digest)
    filler = draft.emails.filler(digest) if to is None else Filler(_marked(compiled), draft.emails.signer)
    zone = draft.program.zone_of(contact["timezone"])
    coupon = shown_coupon(draft.program.project, coupon_of(course, step), contact["locale"], now)
    values = template_values(course.campaign, contact, person.purchase, zone.key, person.event, coupon)
    stream = filler.render(values)
    name = " ".join(filter(None, (contact["first_name"], contact["last_name"])))
    nobody = derived_id("preview", campaign, step)
    recipient = to or Mailbox(name, contact["address"])
    sender = owner_of(course.campaign, contact.get("account"), compiled.branding.sender)
    envelope = Envelope(nobody, nobody, recipient, now, tracked=False, preview=True, sender=sender)
    return compiled, filler.email(stream, envelope)


def _marked(compiled: CompiledEmail) -> CompiledEmail:
    subject = None if compiled.subject is None else TEST + compiled.subject
    return replace(compiled, subject=subject, subject_source=TEST + compiled.subject_source)


def _headers(email: FilledEmail) -> tuple[tuple[str, str], ...]:
    people = [("From", email.sender), ("To", email.recipient)]
    named = [(name, f"{one.name} <{one.address}>" if one.name else one.address) for name, one in people]
    reply = [("Reply-To", email.reply_to)] if email.reply_to else []
    return (*named, *reply, ("Subject", email.subject), *email.headers)


def _gate(database: Database, draft: Draft, campaign: str, step: str, person: Person, at: datetime) -> Gate:
    """Claim the email in a transaction that is undone: the claim itself says whether it would leave."""
    course = draft.program.courses[campaign]
    if person.id is None:
        raise InputError("--at asks whether a contact would get the email then; name one with --contact")
    if not course.moves:
        return Gate(at, False, f"the campaign is {course.campaign.status.value}")
    arm = arm_in(course, draft.program.project, draft.release.salt, person.id).value
    with stories.undone(database) as connection:
        found = stories.stand_at(connection, person.id, course, step, arm, at)
        if isinstance(enter := course.campaign.enter, EnterOn):
            occasions.lend(connection, person.id, campaign, enter.on, own_fields(person.event or {}))
        before = stories.message_row(connection, person.id, found)
        if before["claimed_at"] is not None:
            return Gate(
                at, False, f"it was handed over on {before['claimed_at']:%Y-%m-%d %H:%M} UTC ({before['state']})"
            )
        claim_in(connection, Queries(draft.release), draft.emails, "preview", campaign, 1, at)
        after = stories.message_row(connection, person.id, found)
    if after["state"] == "sending":
        return Gate(at, True)
    return Gate(at, False, after["reason"], after["due_at"])
