"""What a preview shows is what is sent: the same bytes but for Message-ID, Date, tokens and the coupon's code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from support.fresh import Fresh
from support.line import NIGHTLY, PROJECT, Clock, Ledger, Line, campaign, open_line

from nurture.actions.advance import advance
from nurture.actions.check import check_files
from nurture.actions.draft import Draft, draft
from nurture.actions.enroll import enroll
from nurture.actions.preview import preview
from nurture.actions.publish import publish
from nurture.actions.queries import Queries
from nurture.actions.release import Emails, Releases
from nurture.actions.send import send
from nurture.core.errors import RenderError
from nurture.core.event import Kind
from nurture.core.ids import derived_id
from nurture.emails.links import Signer
from nurture.files.folder import read_folder
from nurture.scaffold import project_files
from nurture.store import tables
from nurture.store.database import Database, insert_all
from nurture.store.migrate import migrate
from seeing.masks import lengths, masked

CODES = [f"SPRING-{number:04}" for number in range(400)]
"""As long as the code a preview shows, so that lines break at the same places."""


@dataclass
class Twin:
    """A line whose every email is looked at right before it is sent."""

    line: Line
    laid: Draft
    compared: Counter[tuple[str, str]] = field(default_factory=Counter)

    def look(self) -> dict[str, bytes]:
        """The preview of every message that is due, by its id."""
        line, m = self.line, tables.message.c
        due = select(m.id, m.campaign, m.step, tables.contact.c.address).where(m.due_at <= line.clock())
        with line.database.read() as connection:
            rows = connection.execute(due.where(tables.contact.c.id == m.contact_id)).all()
        return {row[0]: self._shown(row[1], row[2], row[3]) for row in rows}

    def _shown(self, name: str, step: str, address: str) -> bytes:
        now = self.line.clock()
        try:
            return preview(self.line.database, self.laid, name, step, address, now).source.encode()
        except RenderError:
            return b""  # what cannot be shown must not be sent either

    def step(self) -> None:
        """Everything that is due at the clock's time, one batch after another."""
        line = self.line
        while enroll(line.database, line.queries, line.clock()) + advance(line.database, line.queries, line.clock()):
            pass
        while True:
            shown, before = self.look(), len(line.provider.handed)
            sent = send(line.database, line.queries, line.emails, line.provider, line.clock)
            for _, outgoing in line.provider.handed[before:]:
                self._same(shown[outgoing.message_id], outgoing.email.as_bytes(), outgoing.message_id)
                self.compared[outgoing.campaign, outgoing.step] += 1
            if not sent.found:
                return

    def _same(self, shown: bytes, sent: bytes, message_id: str) -> None:
        assert shown, "this email was sent and cannot be previewed"
        code = self._code(message_id)
        assert masked(shown) == masked(sent, code)
        assert lengths(shown) == lengths(sent)

    def _code(self, message_id: str) -> str | None:
        codes = self.line.rows(tables.coupon, message_id=message_id)
        return codes[0]["code"] if codes else None

    def run(self, until: datetime, step: timedelta) -> None:
        """Let time pass."""
        while self.line.clock() < until:
            self.step()
            self.line.clock.at += step
        self.step()


def laid_out(line: Line) -> Twin:
    return Twin(line, draft(line.database, check_files(line.files), line.emails.signer, line.clock()))


# --- whatever people write, whoever they are -----------------------------------------------------------

NAMES = st.one_of(
    st.sampled_from([None, "Ada", "Irmak", "İpek", "مريم", "x" * 190, "O'Neil \"Zed\"", "=?utf-8?q?a?="]),
    st.text(
        st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=60
    ).map(str.strip).filter(bool),
)  # fmt: skip
DAYS = (
    datetime(2026, 3, 28, 21, 30, tzinfo=UTC),  # Berlin and Istanbul's neighbours go over to summer time
    datetime(2026, 10, 24, 22, 30, tzinfo=UTC),  # and back
    datetime(2026, 3, 8, 4, 45, tzinfo=UTC),  # New York goes over
    datetime(2026, 11, 1, 3, 45, tzinfo=UTC),  # and back
    datetime(2016, 9, 7, 20, 0, tzinfo=UTC),  # Istanbul stays in summer time for good
    datetime(2026, 2, 28, 23, 59, tzinfo=UTC),
)
PARTS = (
    "<p>Hi {{ contact.first_name|default('you', true) }} {{ contact.last_name or '' }}</p>",
    "<p>{{ contact.stage }} {{ contact.timezone }} {{ contact.signed_up_at|datetime }} {{ contact.locale }}</p>",
    '<p><a href="https://acme.example/go">go</a> <a href="https://acme.example/{{ contact.address|urlencode }}">me</a>'
    "</p>",
    "{% if last_purchase is defined %}<p>{{ last_purchase.total|money }} {{ last_purchase.at|datetime }}"
    "{% for item in last_purchase.items %} {{ item.name }} {{ item.price|money }}{% endfor %}</p>{% endif %}",
    "<p>{{ contact.plan|default('none', true) }} {{ contact.account or '' }} {{ contact.account_owner or '' }}</p>",
    '<p><a href="{{ links.view }}">view</a> <a href="{{ links.preferences }}">choose</a></p>',
)  # fmt: skip
COUPON = "<p>{{ coupon.code }} {{ coupon.worth }} {{ coupon.expires_at|datetime }}</p>"
EVENT = (
    "<p>{{ event.at|datetime }} {{ event.total|money }} {% for item in event.items %}{{ item.name }} {% endfor %}</p>"
)
SUBJECTS = ("Hello", "\"Merhaba {{ contact.first_name|default('you', true)|upper }}\"", '"{{ contact.stage }}: ğüşıöç"')
EXTRA = "coupons: {spring: {worth: 10%}}\nlimits: {per_contact: [2 per 24 hours]}\n"


def template(draw: Any, *more: str) -> str:
    parts = "\n".join([*draw(st.lists(st.sampled_from(PARTS), unique=True, max_size=6)), *more])
    front = f"---\nsubject: {draw(st.sampled_from(SUBJECTS))}\n---\n"
    return f"{front}<div>\n{parts}\n</div><p>{{{{ project.postal_address }}}}</p>"


@st.composite
def stories(draw: Any) -> dict[str, Any]:
    """A campaign of three emails with its templates, and when it begins."""
    on_event, gives = draw(st.booleans()), draw(st.booleans())
    more = [EVENT] if on_event else []
    templates = {
        "hello": template(draw, *more), "second": template(draw, *more, *([COUPON] if gives else [])),
        "third": template(draw, *more), "hello.tr": template(draw, *more), "third.de": template(draw, *more),
    }  # fmt: skip
    coupon = ", coupon: {pool: spring, valid_for: 3 days}" if gives else ""
    steps = (
        "- id: hello\n  send: hello\n  variants: [{id: a}, {id: b, send: third, subject: Or this}]\n"
        f"- {{id: pause, wait: {draw(st.sampled_from(['3 hours', '1 day', '{until: 02:30}']))}}}\n"
        f"- {{id: second, send: second{coupon}}}"
    )
    keys = {"from": "account owner"} if draw(st.booleans()) else {}
    if on_event:
        keys |= {"enter": "{on: checkout, per: basket}", "audience": "{}"}
    return {
        "files": campaign(steps, **keys),
        "templates": templates,
        "on_event": on_event,
        "at": draw(st.sampled_from(DAYS)),
    }


PEOPLE = st.fixed_dictionaries(
    {
        "first_name": NAMES, "last_name": NAMES,
        "locale": st.sampled_from([None, "en", "en-GB", "tr", "tr-TR", "de", "ar", "xx"]),
        "timezone": st.sampled_from([None, "Europe/Berlin", "America/New_York", "Europe/Istanbul", "Asia/Kathmandu"]),
        "country": st.sampled_from([None, "TR", "DE", "US"]), "tracked": st.booleans(),
        "attributes": st.sampled_from([{}, {"plan": "pro"}, {"plan": "a & b <i>"}]),
        "account": st.booleans(), "buys": st.booleans(),
        "address": st.sampled_from([None, "ınci@example.com", "a+b@example.com"]),
    }
)  # fmt: skip


def settle_in(line: Line, person: dict[str, Any], who: str, on_event: bool) -> None:
    account, buys = person.pop("account"), person.pop("buys")
    person["account_id"] = derived_id("account") if account else None
    address = person.pop("address")
    person["address"] = address if address and who == "c0" else f"{who}@example.com"
    line.add_contact(who, **person)
    if buys:
        items = ({"name": "Tea & milk", "price": "12.5", "quantity": 2},)
        line.buy(who, "25", at=line.clock() - timedelta(days=3), items=items)
    if on_event:
        detail = {"basket": who, "total": "19.90", "items": [{"name": "Çay"}]}
        line.fact(who, Kind.CUSTOM, name="checkout", detail=detail)


@given(story=stories(), people=st.lists(PEOPLE, min_size=1, max_size=4))
@settings(
    max_examples=25 * (25 if NIGHTLY else 1), deadline=None, database=None, derandomize=not NIGHTLY,
    suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate),
)  # fmt: skip
def test_every_email_is_previewed_as_it_is_sent(
    fresh_sqlite: Fresh, story: dict[str, Any], people: list[dict[str, Any]]
) -> None:
    line = open_line(
        fresh_sqlite(), {"first": story["files"]}, project=PROJECT + EXTRA, templates=story["templates"], at=story["at"]
    )
    owner = {"name": "Engines Ltd", "owner_name": "Grace Ğ", "owner_address": "grace@mail.acme.example"}
    with line.database.write() as connection:
        insert_all(connection, tables.account, [{"id": derived_id("account"), **owner}])
    line.bring(*CODES[:40])
    for number, person in enumerate(people):
        settle_in(line, dict(person), f"c{number}", story["on_event"])
    twin = laid_out(line)
    twin.run(story["at"] + timedelta(days=2), timedelta(hours=3))
    line.database.close()


# --- the campaigns that ship ---------------------------------------------------------------------------

SHOPPERS: tuple[dict[str, Any], ...] = (
    {"locale": "tr-TR", "timezone": "Europe/Istanbul", "country": "TR", "first_name": "İpek", "last_name": "Şahin"},
    {"locale": "de-DE", "timezone": "Europe/Berlin", "country": "DE", "first_name": None, "last_name": None},
    {"locale": "en-US", "timezone": "America/New_York", "country": "US", "first_name": "O'Neil", "tracked": False},
    {"locale": None, "timezone": None, "country": None, "first_name": "Zoë" * 40, "last_name": "Ada"},
)
ITEMS = [{"name": "Çekirdek & filtre", "price": "24.95", "quantity": 2}, {"name": "House coffee 1 kg", "price": "20"}]
TOLD: dict[str, dict[str, Any]] = {
    "checkout_started": {
        "basket_id": "b-1",
        "total": 49.9,
        "url": "https://acme.example/basket?b=1&c=2",
        "items": ITEMS,
    },
    "order_delivered": {"order_id": "o-1", "currency": "GBP", "url": "https://acme.example/review/1", "items": ITEMS},
    "back_in_stock": {"item": "Yemen Haraz", "url": "https://acme.example/p/1"},
}
HERE = datetime(2026, 10, 20, 6, 0, tzinfo=UTC)
"""From here on Berlin and New York leave summer time, and the harvest letter goes out."""


def shipped_line(url: str) -> Line:
    files = {path: text.replace("status: draft", "status: live") for path, text in read_folder(project_files()).items()}
    clock, provider = Clock(HERE), Ledger()
    provider.clock = clock
    database = Database(url)
    migrate(database)
    releases = Releases(database)
    queries = Queries(publish(releases, check_files(files), clock()))
    return Line(database, clock, provider, files, releases, Emails(database, Signer([b"k" * 32])), queries)


def populate(line: Line) -> None:
    """Everybody at every stage, with what lets people into the campaigns that ship."""
    topics = ("offers", "stories", "orders")
    for pool in line.program.project.coupons:
        line.bring(*(f"{pool[:6]:_<6}-{number:04}" for number in range(60)), pool=pool)
    known = HERE - timedelta(days=200)
    attributes = {"birthday": "1990-10-28", "trial_ends": "2026-11-02", "plan": "pro"}
    for number, shopper in enumerate(SHOPPERS):
        line.add_contact(f"new{number}", consents=topics, attributes=attributes, **shopper)
        line.add_contact(
            f"office{number}", consents=topics, tags=["office"], stage="prospect", attributes=attributes, **shopper
        )
        line.add_contact(f"gone{number}", consents=topics, signed_up_at=known, stage="inactive", **shopper)
        line.add_contact(f"left{number}", consents=topics, signed_up_at=known - timedelta(days=600), **shopper)
        line.buy(f"left{number}", "20", at=HERE - timedelta(days=500), items=({"name": "Tea", "price": "20"},))
        for name, detail in TOLD.items():
            line.add_contact(f"{name}{number}", consents=topics, signed_up_at=known, stage="prospect", **shopper)
            line.fact(f"{name}{number}", Kind.CUSTOM, name=name, detail=detail)


def test_the_campaigns_that_ship_are_previewed_as_they_are_sent(fresh_sqlite: Fresh) -> None:
    line = shipped_line(fresh_sqlite())
    populate(line)
    twin = laid_out(line)
    twin.run(HERE + timedelta(days=5), timedelta(hours=5))
    for number in range(len(SHOPPERS)):
        line.buy(f"new{number}", "49.90", at=line.clock() - timedelta(hours=1), items=tuple(ITEMS))
    twin.run(HERE + timedelta(days=45), timedelta(hours=5))
    line.database.close()
    assert set(line.program.courses) - {campaign for campaign, _ in twin.compared} == set()
