"""Any email for any contact, from the files as they stand; and whether the gate would let it go at some time.

The email is tried on them in a transaction that is undone: they stand at its step, and it is made by what the claim
makes it by. So it is what they would be sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Any

from nurture.actions.addresses import wanted_address
from nurture.actions.check import Checked
from nurture.actions.choose import Choices, Chosen
from nurture.actions.claim import claim_in
from nurture.actions.draft import Draft, draft
from nurture.actions.fill import Filled, Filling
from nurture.actions.release import Emails
from nurture.actions.sample import made_up_dates, made_up_fields, shown_offers
from nurture.core.campaign import SendStep
from nurture.core.decide import Arm
from nurture.core.email import Mailbox, Outgoing
from nurture.core.enter import EnterOn
from nurture.core.errors import InputError, NotFound, ProjectError
from nurture.core.experiment import arm_in
from nurture.core.ids import derived_id, new_contact_id
from nurture.core.persona import Persona, usual
from nurture.core.problem import Problem
from nurture.core.program import Course
from nurture.emails.compile import CompiledEmail
from nurture.emails.fill import FilledEmail
from nurture.emails.source import FOLDER
from nurture.providers.base import Accepted, Provider
from nurture.store import trying
from nurture.store.database import Connection, Database
from nurture.store.messages import Candidate

__all__ = ["Draft", "Gate", "Preview", "draft", "preview", "send_test"]

SEND_SECONDS = 60.0
TEST = "[Test] "


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether the email would leave at `at`; if not, why, and when it would be asked again."""

    at: datetime
    goes: bool
    reason: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """An email as its contact gets it. `size` is bytes on the wire.

    `html` and `text` are for looking: what counts opens and clicks is left out. `source` is the message as it would
    travel, its tokens signed for nobody.
    """

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
    source: str
    size: int
    problems: tuple[Problem, ...]
    gate: Gate | None = None
    variant: str | None = None
    persona: str | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which email, and for whom: the contact with that address, else somebody made up."""

    course: Course
    step: SendStep
    address: str | None
    persona: str | None
    locale: str | None
    event: Mapping[str, Any] | None
    variant: str | None


@dataclass(frozen=True, slots=True)
class _Stand:
    """Who stands at the step, and what they are owed there."""

    contact_id: str
    message_id: str
    made_up: bool
    before: Mapping[str, Any]


def preview(
    database: Database,
    draft: Draft,
    campaign: str,
    step: str,
    address: str | None,
    now: datetime,
    *,
    persona: str | None = None,
    locale: str | None = None,
    at: datetime | None = None,
    event: Mapping[str, Any] | None = None,
    variant: str | None = None,
) -> Preview:
    """Show the email of a step for the contact with that address, or for somebody made up, as it leaves now or `at`.

    `at` asks the gate too. `persona` names somebody of personas.yaml; without it and an address, it is one of whom
    everything is known. `event` holds the fields of the event on which they entered; without it, it is theirs, their
    latest, or made up. Of a step with variants the one that the contact gets, the first for somebody made up, or the
    one that is named. Nothing is written. Raises NotFound for what does not exist, ProjectError for a campaign with
    errors, RenderError for an email that cannot be made for this contact. Times are aware UTC.
    """
    wanted = _wanted(draft, campaign, step, address, persona, locale, event, variant)
    filled, candidate, made_up = _tried(database, draft, draft.emails, wanted, at or now)
    shown = _email(wanted, filled, at or now, quiet=True)
    source = _email(wanted, filled, at or now).as_bytes()
    template = wanted.step.template(filled.chosen.variant or "")
    return Preview(
        campaign=campaign,
        step=step,
        template=template,
        locale=filled.filler.compiled.locale,
        address=candidate.contact["address"],
        made_up=made_up,
        subject=shown.subject,
        headers=_headers(shown),
        text=shown.text,
        html=shown.html,
        source=source.decode(),
        size=len(source),
        problems=_problems(draft.checked, campaign, template),
        gate=_gate(database, draft, wanted, at) if at else None,
        variant=filled.chosen.variant,
        persona=persona,
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
    persona: str | None = None,
    locale: str | None = None,
    variant: str | None = None,
) -> str:
    """Hand one email to the provider, its subject marked as a test, its links untracked. Returns the subject.

    Nothing is recorded. Raises InputError when the provider does not take it, and all that `preview` raises.
    """
    wanted = _wanted(draft, campaign, step, address, persona, locale, None, variant)
    wanted_address(to)
    filled, _, _ = _tried(database, draft, draft.emails.changed(_marked), wanted, now)
    email = _email(wanted, filled, now, to=Mailbox("", to), quiet=True)
    # Ids that belong to nobody: what comes back about a test concerns no contact.
    outgoing = Outgoing(new_contact_id(), new_contact_id(), campaign, step, email)
    outcome = provider.send([outgoing], monotonic() + SEND_SECONDS)[0]
    if not isinstance(outcome, Accepted):
        raise InputError(f"{provider.name} did not take the email: {outcome.detail}")
    return email.subject


def _wanted(
    draft: Draft, campaign: str, step: str, address: str | None, persona: str | None, locale: str | None,
    event: Mapping[str, Any] | None, variant: str | None,
) -> _Wanted:  # fmt: skip
    sends = _sending(draft, campaign, step)
    if address is not None and persona is not None:
        raise InputError("an email is shown for a contact or for a persona, not for both")
    if persona is not None:
        draft.persona(persona)
    known = [one.id for one in sends.variants]
    if variant is not None and variant not in known:
        raise NotFound(f"{campaign}/{step} has no variant {variant!r}; it has {', '.join(known) or 'none'}")
    return _Wanted(draft.program.courses[campaign], sends, address, persona, locale, event, variant)


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


def _problems(checked: Checked, campaign: str, template: str) -> tuple[Problem, ...]:
    return tuple(one for one in checked.problems if _about(one, campaign, template))


def _about(problem: Problem, campaign: str, template: str) -> bool:
    mine = f"{FOLDER}{template}."
    return problem.path in (f"campaigns/{campaign}.yaml", "nurture.yaml") or problem.path.startswith(mine)


# --- trying it on somebody ---------------------------------------------------------------------------


def _stand(connection: Connection, draft: Draft, wanted: _Wanted, at: datetime) -> _Stand:
    """Let them stand at the step, in an open transaction."""
    contact_id, persona = _person(connection, draft, wanted, at)
    arm = arm_in(wanted.course, draft.program.project, draft.release.salt, contact_id)
    stands = (Arm.EMAILED if persona else arm).value
    found = trying.stand_at(connection, contact_id, wanted.course, wanted.step.id, stands, at)
    before = trying.message_row(connection, contact_id, found)
    _let_in(connection, draft, wanted, persona, contact_id, before["enrollment_id"])
    return _Stand(contact_id, found, persona is not None, before)


def _person(connection: Connection, draft: Draft, wanted: _Wanted, at: datetime) -> tuple[str, Persona | None]:
    if wanted.address is None:
        name, campaign = wanted.persona or "", wanted.course.campaign
        persona = draft.persona(name) if name else usual(draft.program.project)
        known = made_up_dates(campaign, at) | persona.attributes
        persona = persona.model_copy(update={"attributes": known})
        return trying.introduce(connection, name, persona, campaign.topic, at), persona
    found = trying.owner(connection, wanted_address(wanted.address))
    if found is None:
        raise NotFound(f"{wanted.address} is no contact's; without --contact somebody is made up")
    return found, None


def _let_in(
    connection: Connection, draft: Draft, wanted: _Wanted, persona: Persona | None, contact_id: str, within: str
) -> None:
    """See that whoever enters on an event has one."""
    enter = wanted.course.campaign.enter
    if not isinstance(enter, EnterOn):
        return
    fields = persona.events.get(enter.on) if persona and wanted.event is None else wanted.event
    if fields is None and trying.has_begun_on_event(connection, contact_id, within):
        return
    if fields is None and trying.enter_on_latest(connection, contact_id, within, enter.on):
        return
    own = made_up_fields(draft.program, enter) if fields is None else fields
    trying.enter_on(connection, contact_id, within, enter.on, own)


def _tried(
    database: Database, draft: Draft, emails: Emails, wanted: _Wanted, at: datetime
) -> tuple[Filled, Candidate, bool]:
    """The email as the claim makes it, whatever the gate would say; and whether it is for somebody made up."""
    course, program = wanted.course, draft.program
    with database.undone() as connection:
        stand = _stand(connection, draft, wanted, at)
        trying.owe(connection, stand.contact_id, stand.message_id)
        version = draft.queries.versions(course.campaign.name)[0]
        candidate = version.claim.some(connection, at, 1)[0]
        if wanted.locale:
            candidate = candidate._replace(contact={**candidate.contact, "locale": wanted.locale})
        offered = shown_offers(connection, program.project, course, candidate, at)
        choices = Choices(connection, course, draft.release.salt)
        filling = Filling(connection, draft.queries, emails, version, [candidate], offered)
        return filling.of(candidate, _chosen(choices, wanted, stand, candidate)), candidate, stand.made_up


def _chosen(choices: Choices, wanted: _Wanted, stand: _Stand, candidate: Candidate) -> Chosen:
    known = wanted.variant or (wanted.step.variants[0].id if stand.made_up and wanted.step.variants else None)
    return Chosen(wanted.step.id, known) if known else choices.of(candidate)


def _email(
    wanted: _Wanted, filled: Filled, at: datetime, *, to: Mailbox | None = None, quiet: bool = False
) -> FilledEmail:
    """The email under ids of nobody's: what its tokens lead to counts nowhere."""
    nobody = derived_id("preview", wanted.course.campaign.name, wanted.step.id)
    return filled.email(nobody, nobody, at, to=to, quiet=quiet)


def _marked(compiled: CompiledEmail) -> CompiledEmail:
    subject = None if compiled.subject is None else TEST + compiled.subject
    return replace(compiled, subject=subject, subject_source=TEST + compiled.subject_source)


def _headers(email: FilledEmail) -> tuple[tuple[str, str], ...]:
    people = [("From", email.sender), ("To", email.recipient)]
    named = [(name, f"{one.name} <{one.address}>" if one.name else one.address) for name, one in people]
    reply = [("Reply-To", email.reply_to)] if email.reply_to else []
    return (*named, *reply, ("Subject", email.subject), *email.headers)


def _gate(database: Database, draft: Draft, wanted: _Wanted, at: datetime) -> Gate:
    """Claim the email in a transaction that is undone: the claim itself says whether it would leave."""
    campaign = wanted.course.campaign
    if not wanted.course.moves:
        return Gate(at, False, f"the campaign is {campaign.status.value}")
    with database.undone() as connection:
        stand = _stand(connection, draft, wanted, at)
        if stand.before["claimed_at"] is not None:
            since, state = stand.before["claimed_at"], stand.before["state"]
            return Gate(at, False, f"it was handed over on {since:%Y-%m-%d %H:%M} UTC ({state})")
        claim_in(connection, draft.queries, draft.emails, trying.SOURCE, campaign.name, 1, at)
        after = trying.message_row(connection, stand.contact_id, stand.message_id)
    if after["state"] == "sending":
        return Gate(at, True)
    return Gate(at, False, after["reason"], after["due_at"])
