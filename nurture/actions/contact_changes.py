"""What a chunk of imported rows means for contacts, compared first and then written in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from secrets import token_hex
from typing import Any

from nurture.actions.importing import Cells
from nurture.actions.record import restage, stir
from nurture.core.ids import account_id
from nurture.core.lifecycle import Life, LifeFact, Rules, Sign, Stage, Story, begin, live, next_check
from nurture.core.program import Program
from nurture.store import contacts as store
from nurture.store.accounts import save_accounts
from nurture.store.contacts import Transaction
from nurture.store.database import Database
from nurture.store.lives import add_stories
from nurture.store.suppressions import contacts_by_address, known_suppressions

PLAIN = ("address", "first_name", "last_name", "locale", "timezone", "country", "source", "signed_up_at", "tracked",
         "account_id")  # fmt: skip
"""Columns that take what is said as it is."""

Word = tuple[str, str, bool, str, datetime, datetime]
"""A word on consent, in the order of `store.CONSENT`."""


@dataclass
class Changes:
    """What is to be written: new contacts, changed rows, tags and consents, and whose life is told anew."""

    new: list[dict[str, Any]] = field(default_factory=list)
    stories: dict[str, Story] = field(default_factory=dict)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    restaged: list[str] = field(default_factory=list)
    first_tags: list[tuple[str, str]] = field(default_factory=list)
    tags: list[tuple[str, str]] = field(default_factory=list)
    first_words: list[Word] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    current: list[Word] = field(default_factory=list)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    ids: Callable[[int], str] = token_hex
    beginning: str = ""

    def new_id(self) -> str:
        """A random id. Those of one chunk begin alike, so that their rows lie together: a quarter of the pages."""
        self.beginning = self.beginning or self.ids(2)
        return self.beginning + self.ids(14)

    @property
    def touched(self) -> set[str]:
        """The contacts that were there already and are no longer the same."""
        return {tag[0] for tag in self.tags} | {word[0] for word in self.words} | set(self.changed)


def preview_chunk(database: Database, program: Program, chunk: Sequence[Cells], now: datetime) -> Counter[str]:
    """Count what `apply_chunk` would do."""
    with database.read() as connection:
        return compare(connection, program, chunk, now, Changes(), lock=False).counts


def apply_chunk(
    database: Database,
    program: Program,
    chunk: Sequence[Cells],
    now: datetime,
    ids: Callable[[int], str] = token_hex,
) -> Counter[str]:
    """Bring what the rows say into the database, in one transaction. Each address comes once in `chunk`.

    `ids` gives the hexadecimal text of so many random bytes, for the ids of new contacts.
    """
    with database.write() as connection:
        return apply_in(connection, program, chunk, now, ids)


def apply_in(
    connection: Transaction,
    program: Program,
    chunk: Sequence[Cells],
    now: datetime,
    ids: Callable[[int], str] = token_hex,
) -> Counter[str]:
    """The same, in a transaction that is open already."""
    store.take_turns(connection)
    changes = compare(connection, program, chunk, now, Changes(ids=ids), lock=True)
    _write(connection, program, changes, now)
    return changes.counts


def _write(connection: Transaction, program: Program, changes: Changes, now: datetime) -> None:
    save_accounts(connection, changes.accounts)
    store.add_contacts(connection, changes.new, now)
    add_stories(connection, changes.stories, now)
    store.update_contacts(connection, list(changes.changed.values()))
    store.add_tags(connection, [*changes.first_tags, *changes.tags])
    store.add_consents(connection, changes.first_words, changes.words, changes.current)
    if changes.counts["suppressed"]:
        store.adopt_suppressions(connection, {row["key"]: row["id"] for row in changes.new})
    if changes.restaged:
        restage(connection, program, changes.restaged, now)
    stir(connection, changes.touched, now)


def compare(
    connection: Transaction, program: Program, chunk: Sequence[Cells], now: datetime, changes: Changes, lock: bool
) -> Changes:
    """Add to `changes` what the rows say that is not known yet."""
    keys = [said["key"] for said in chunk]
    owners = contacts_by_address(connection, keys)
    changes.counts["suppressed"] = len(known_suppressions(connection, keys))
    known = Known.load(connection, owners, chunk, lock) if owners else Known()
    for said in chunk:
        if "account" in said:
            _take_account(changes, said)
        owner = owners.get(said["key"])
        if owner is None:
            _begin(changes, said, program.rules, now)
        else:
            _continue(changes, known, owner, said, now)
        if program.rules.by_account and "account" in said:
            changes.restaged.append(owner or changes.new[-1]["id"])
    touched = changes.touched
    changes.counts["new"] = len(changes.new)
    changes.counts["changed"] = len(touched)
    changes.counts["unchanged"] = len(owners) - len(touched)
    return changes


def _take_account(changes: Changes, said: Cells) -> None:
    """Read the account's name into its id; the same letters, large or small, are the same account."""
    said["account_id"] = account_id(said["account"])
    row = {"name": said["account"], **said.get("owner", {})}
    changes.accounts[said["account_id"]] = {**changes.accounts.get(said["account_id"], {}), **row}


# --- new contacts ----------------------------------------------------------------------------------------


@lru_cache(maxsize=16384)
def first_life(known_at: datetime, stated: tuple[Stage, datetime] | None, now: datetime, rules: Rules) -> Story:
    """The life until `now` of a contact of whom only that is known; many share one, so it is kept."""
    facts = [LifeFact(stated[1], Sign.STATED, "import", stage=stated[0])] if stated else []
    return live(begin(known_at), facts, now, rules)


def _begin(changes: Changes, said: Cells, rules: Rules, now: datetime) -> None:
    owner = changes.new_id()
    stated = _dated(said, now)
    signed_up = said.get("signed_up_at")
    if "known_at" in said:
        # Its first fact is recorded in this very transaction, and its life told then.
        story = Story(begin(said["known_at"]))
    else:
        story = first_life(min(signed_up or now, stated[1] if stated else now), stated, now, rules)
    statement = {"stated_stage": stated[0].value if stated else None, "stated_at": stated[1] if stated else None}
    changes.new.append({**_row(owner, said, now), **_standing(story.life, rules), **statement})
    if story.changes:
        changes.stories[owner] = story
    changes.first_tags.extend((owner, tag) for tag in said.get("tags", ()))
    for topic, (given, source, at) in said.get("consents", {}).items():
        changes.first_words.append((owner, topic, given, source, at or signed_up or now, now))


def _dated(said: Cells, now: datetime) -> tuple[Stage, datetime] | None:
    if "stated" not in said:
        return None
    stage, at = said["stated"]
    return stage, at or now


def _row(owner: str, said: Cells, now: datetime) -> dict[str, Any]:
    get = said.get
    return {
        "id": owner, "key": said["key"], "address": said["address"], "first_name": get("first_name"),
        "last_name": get("last_name"), "locale": get("locale"), "timezone": get("timezone"), "country": get("country"),
        "source": get("source"), "account_id": get("account_id"), "signed_up_at": get("signed_up_at"),
        "tracked": get("tracked", True),
        "attributes": store.document(get("attributes", {})), "created_at": now, "received_count": 0,
        "purchase_count": 0, "revenue": 0,
    }  # fmt: skip


def _standing(life: Life, rules: Rules) -> dict[str, Any]:
    return {
        "known_at": life.known_at, "stage": life.stage.value, "stage_since": life.since,
        "stage_check_at": next_check(life, rules), "silent_since": life.silent_since, "unanswered": life.unanswered,
        "facts_until": life.until, "customer_from": life.customer_from,
    }  # fmt: skip


# --- contacts that are there -----------------------------------------------------------------------------


@dataclass
class Known:
    """What is known of the contacts a chunk names."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, set[str]] = field(default_factory=dict)
    consents: dict[tuple[str, str], tuple[bool, datetime]] = field(default_factory=dict)
    words: set[tuple[str, str, datetime, bool]] = field(default_factory=set)

    @classmethod
    def load(cls, connection: Transaction, owners: Mapping[str, str], chunk: Sequence[Cells], lock: bool) -> Known:
        """Load what the chunk's rows may change, and no more."""
        tagged = [owners[said["key"]] for said in chunk if "tags" in said and said["key"] in owners]
        asked = [owners[said["key"]] for said in chunk if "consents" in said and said["key"] in owners]
        return cls(
            store.load_contacts(connection, owners.values(), lock),
            store.load_tags(connection, tagged),
            store.load_consents(connection, asked),
            store.load_consent_changes(connection, asked),
        )


def _continue(changes: Changes, known: Known, owner: str, said: Cells, now: datetime) -> None:
    row = known.rows[owner]
    changed = difference(row, said, now)
    if changed:
        changes.changed[owner] = {**row, **changed}
        if "known_at" in changed or "stated_at" in changed:
            changes.restaged.append(owner)
    changes.tags.extend((owner, tag) for tag in said.get("tags", ()) if tag not in known.tags.get(owner, ()))
    for topic, (given, source, at) in said.get("consents", {}).items():
        standing = known.consents.get((owner, topic))
        since = at or _undated(given, standing, row["signed_up_at"], now)
        if since is None or (owner, topic, since, given) in known.words:
            continue
        word = (owner, topic, given, source, since, now)
        changes.words.append(word)
        if standing is None or since > standing[1] or (since == standing[1] and not given):
            changes.current.append(word)


def _undated(
    given: bool, standing: tuple[bool, datetime] | None, signed_up_at: datetime | None, now: datetime
) -> datetime | None:
    """When a word without a date counts from; None where it says nothing: it cannot overrule a withdrawal."""
    if standing is None:
        return (signed_up_at or now) if given else now
    return now if standing[0] and not given else None


def difference(row: Mapping[str, Any], said: Cells, now: datetime) -> dict[str, Any]:
    """The columns of a contact that change by what is said; empty where all of it is known."""
    changed = {name: said[name] for name in PLAIN if name in said and said[name] != row[name]}
    attributes = said.get("attributes")
    if attributes:
        merged = {**row["attributes"], **attributes}
        if not _same(merged, row["attributes"]):
            changed["attributes"] = merged
    stage, since = said.get("stated", (None, None))
    if stage is not None and (stage.value != row["stated_stage"] or (since and since != row["stated_at"])):
        changed["stated_stage"], changed["stated_at"] = stage.value, since or now
    known_at = _known_at(row, changed)
    if known_at != row["known_at"]:
        changed["known_at"] = known_at
    return changed


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Equal in kind too: 1, 1.0 and true are different attributes."""
    return store.document(one) == store.document(other)


def _known_at(row: Mapping[str, Any], changed: Mapping[str, Any]) -> datetime:
    """Since when a contact is known, when its sign-up is told anew or it is said to have been a customer earlier."""
    known: datetime = row["known_at"]
    if "signed_up_at" in changed:
        known = min(row["created_at"] if known == row["signed_up_at"] else known, changed["signed_up_at"])
    stated_at: datetime = changed.get("stated_at", known)
    return min(known, stated_at)
