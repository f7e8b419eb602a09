"""Contacts in: new ones begin their life, known ones take what a file newly says, and saying it twice changes nothing.

An empty cell says nothing and never blanks what is known. Attributes and tags are added to those that are there.
Of an address that comes several times in a file the rows are read as one, the later word counting. A consent
without a date never overrides what is known; one with a date counts if it is the newest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from nurture.actions import refer
from nurture.actions.contact_changes import apply_chunk, preview_chunk
from nurture.actions.importing import (
    Cells,
    Job,
    Reader,
    Rejects,
    Summary,
    Take,
    aliased,
    check_columns,
    in_chunks,
    parsed,
    read_rows,
    take_address,
)
from nurture.actions.repeats import Keys
from nurture.core.contact import (
    WORD_LENGTH,
    attribute_value,
    clean_line,
    parse_country,
    parse_instant,
    parse_switch,
    plain_value,
    split_name,
    split_tags,
)
from nurture.core.lifecycle import Stage
from nurture.core.program import Program
from nurture.core.project import Project
from nurture.core.zone import zone
from nurture.store.database import Database
from nurture.store.suppressions import contacts_by_address

FIELDS = {
    "email": "address e_mail mail eposta e_posta email_address",
    "first_name": "firstname given_name",
    "last_name": "lastname surname family_name",
    "name": "full_name",
    "locale": "language lang",
    "timezone": "time_zone tz",
    "country": "country_code",
    "source": "",
    "signed_up_at": "signed_up created_at signup_date",
    "stage": "",
    "customer_since": "",
    "tags": "tag",
    "consent": "",
    "consent_topics": "consent_topic",
    "consent_source": "",
    "consent_at": "consent_date",
    "tracking": "tracked",
    "account": "account_name company company_name organisation organization",
    "account_owner": "account_owner_name",
    "account_owner_address": "account_owner_email",
    refer.COLUMN: refer.OTHER_NAMES,
}
"""Each field and its other names, as `fold_name` spells them."""

ALIASES = aliased(FIELDS)
ONE_LINE = ("first_name", "last_name", "name", "source", "consent_source", "account", "account_owner")


def import_contacts(database: Database, program: Program, job: Job, now: datetime) -> Summary:
    """Import contacts; counts new, changed, unchanged, repeated, suppressed and rejected,
    and where the project has referrals `referred` and `unknown_refs`. `now` is aware UTC.

    Each chunk is a transaction, so an interrupted import is resumed by running it again.
    Raises InputError when the table has no column for addresses.
    """
    check_columns(job, ALIASES, [("email",)])
    summary = Summary.of(job, "new", "changed", "unchanged", "repeated", "suppressed")
    work = preview_chunk if job.dry_run else partial(apply_chunk, ids=job.ids)
    with job.at_work(database), Rejects(job, summary) as rejects:
        people = _people(job, _reader(program, job, now), rejects, partial(finish, program.project), summary.counts)
        for chunk in in_chunks(people):
            summary.counts.update(work(database, program, chunk, now))
            summary.counts.update(_credit(database, job, chunk, now))
    return summary


def _credit(database: Database, job: Job, chunk: Sequence[Cells], now: datetime) -> Counter[str]:
    """Give credit to those by whom the people of these rows came."""
    referred = {said["key"]: said for said in chunk if refer.COLUMN in said}
    if not referred or job.dry_run:
        return Counter()
    with database.write() as connection:
        owners = contacts_by_address(connection, sorted(referred))
        told = [
            refer.Said(owners[key], said[refer.COLUMN], said.get("signed_up_at", now))
            for key, said in referred.items()
            if key in owners
        ]
        return refer.credit(connection, job.signer, told, now)


def _aliases(program: Program) -> Mapping[str, str]:
    """The names of columns; without referrals, a column called so is an attribute as any other."""
    if program.project.referral:
        return ALIASES
    return {name: wanted for name, wanted in ALIASES.items() if wanted != refer.COLUMN}


# --- columns to values -------------------------------------------------------------------------------


def _reader(program: Program, job: Job, now: datetime) -> Reader:
    instant = partial(parse_instant, zone=program.zone, now=now)
    takes: dict[str, Take] = {
        "email": take_address,
        "locale": parsed("locale", parse_locale),
        "timezone": parsed("timezone", parse_timezone),
        "country": parsed("country", parse_country),
        "stage": parsed("stage", parse_stage),
        "tags": parsed("tags", split_tags),
        "consent": parsed("consent", partial(parse_consent, program.project)),
        "consent_topics": parsed("consent_topics", partial(parse_topics, program.project)),
        "tracking": parsed("tracked", parse_switch),
        **{name: parsed(name, clean_line) for name in ONE_LINE},
        "account_owner_address": parsed("account_owner_address", parse_owner),
        refer.COLUMN: parsed(refer.COLUMN, clean_line),
        **{name: parsed(name, instant) for name in ("signed_up_at", "customer_since", "consent_at")},
    }
    return Reader(_aliases(program), takes, _attribute, job.mapping)


def _attribute(name: str, typed: bool) -> Take:
    """Reads a column of its own into an attribute: of a table by how it is spelled, of JSON as it is."""
    try:
        if not clean_line(name, WORD_LENGTH):
            return _unnamed
    except ValueError as error:
        return partial(_refused, str(error))

    def take(said: Cells, cell: Any) -> None:
        value = attribute_value(cell) if typed else plain_value(cell)
        said.setdefault("attributes", {})[name] = value

    return take


def _unnamed(_said: Cells, cell: Any) -> None:
    raise ValueError(f"{cell!r} stands in a column without a name")


def _refused(reason: str, _said: Cells, _cell: Any) -> None:
    raise ValueError(f"this column's name {reason}")


def parse_locale(text: str) -> str:
    """A locale as BCP 47 writes it, like tr or pt-BR. Raises ValueError for one that is not known."""
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(text.replace("-", "_"))).replace("_", "-")
    except (ValueError, UnknownLocaleError):
        raise ValueError(f"{text!r} is not a locale; write one like tr, en or pt-BR") from None


def parse_owner(text: str) -> str:
    """The address of an account's owner. Raises ValueError for what is none."""
    from email_validator import EmailNotValidError, validate_email

    try:
        checked = validate_email(text, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError(f"{text!r} is no email address: {error}") from None
    return checked.ascii_email or checked.normalized


def parse_timezone(text: str) -> str:
    """The name of a timezone. Raises ValueError for one that is not known."""
    zone(text)
    return text


def parse_stage(text: str) -> Stage:
    """A stage by its name."""
    try:
        return Stage(text.lower())
    except ValueError:
        raise ValueError(f"{text!r} is not a stage; write one of {', '.join(Stage)}") from None


def parse_topics(project: Project, text: str) -> tuple[str, ...]:
    """Topics of the project, parted by spaces, commas, ; or |."""
    topics = tuple(dict.fromkeys(text.replace(",", " ").replace(";", " ").replace("|", " ").split()))
    for topic in topics:
        if topic not in project.topics:
            raise ValueError(f"{topic!r} is not a topic of nurture.yaml; write one of {', '.join(project.topics)}")
    return topics


def parse_consent(project: Project, text: str) -> tuple[bool, tuple[str, ...]]:
    """Yes or no, to the topics said elsewhere; or the topics consented to."""
    try:
        return parse_switch(text), ()
    except ValueError:
        return True, parse_topics(project, text)


# --- a row as a whole ----------------------------------------------------------------------------------


def finish(project: Project, said: Cells) -> None:
    """Check a row as a whole and bring together what several columns say. Raises ValueError."""
    if "key" not in said:
        raise ValueError("email: is missing")
    if "name" in said:
        first, last = split_name(said.pop("name"))
        said.setdefault("first_name", first)
        if last:
            said.setdefault("last_name", last)
    if "stage" in said or "customer_since" in said:
        said["stated"] = _statement(said.pop("stage", None), said.pop("customer_since", None))
    if "account_owner" in said or "account_owner_address" in said:
        _owner(said)
    if "consent" in said or "consent_topics" in said:
        _consent(project, said)
    said.pop("consent_source", None)
    said.pop("consent_at", None)


def _owner(said: Cells) -> None:
    name, address = said.pop("account_owner", None), said.pop("account_owner_address", None)
    if "account" not in said:
        raise ValueError("account_owner: stands here without an account")
    said["owner"] = {key: value for key, value in (("owner_name", name), ("owner_address", address)) if value}


def _statement(stage: Stage | None, since: datetime | None) -> tuple[Stage, datetime | None]:
    if stage is None or since is None:
        return (stage or Stage.CUSTOMER), since
    if stage is not Stage.CUSTOMER:
        raise ValueError(f"stage: says {stage}, but customer_since says customer; give one of them")
    return stage, since


def _consent(project: Project, said: Cells) -> None:
    given, topics = said.pop("consent", (True, ()))
    topics = (*topics, *said.pop("consent_topics", ()))
    topics = topics or tuple(name for name, topic in project.topics.items() if not topic.transactional)
    source = said.get("consent_source") or said.get("source") or "import"
    said["consents"] = dict.fromkeys(topics, (given, source, said.get("consent_at")))


# --- rows of one address -------------------------------------------------------------------------------


def _people(
    job: Job, reader: Reader, rejects: Rejects, check: Callable[[Cells], None], counts: Counter[str]
) -> Iterator[Cells]:
    """What the rows say, once for each address: first those that come once, then the others, brought together."""
    keys = Keys(job, ALIASES)
    repeated = keys.repeated()
    for _, said in read_rows(job, reader, check, rejects):
        counts["rows"] += 1
        if said["key"] not in repeated:
            yield said
    parts = -(-len(repeated) // job.held)
    for part in range(parts):
        people: dict[str, Cells] = {}
        for _, said in read_rows(job, reader, check, only=lambda row: keys.of(row) in repeated):
            if hash(said["key"]) % parts == part:
                counts["repeated"] += said["key"] in people
                merge(people.setdefault(said["key"], said), said)
        yield from people.values()


def merge(earlier: Cells, later: Cells) -> None:
    """Let a later row of the same address speak over an earlier one."""
    tags = tuple(dict.fromkeys((*earlier.get("tags", ()), *later.get("tags", ()))))
    attributes = {**earlier.get("attributes", {}), **later.get("attributes", {})}
    consents = {**earlier.get("consents", {}), **later.get("consents", {})}
    earlier.update(later)
    for name, whole in (("tags", tags), ("attributes", attributes), ("consents", consents)):
        if whole:
            earlier[name] = whole
