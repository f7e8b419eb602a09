"""Made-up people: who they are, what they bought, and what they would buy with no email at all.

Everything about a person follows from the seed and the person's number, so a seed names one business for good.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from random import Random


class Mailbox(StrEnum):
    """How a person's mail is read, which decides what can be seen of it."""

    PROXY = "proxy"
    PLAIN = "plain"
    APPLE = "apple"
    SCANNED = "scanned"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Order:
    """A purchase; `at` is aware UTC, `items` are (name, quantity, price as decimal text)."""

    id: str
    at: datetime
    currency: str
    items: tuple[tuple[str, int, str], ...]

    @property
    def total(self) -> Decimal:
        """What was paid, in whole units of the currency."""
        return sum((Decimal(price) * quantity for _, quantity, price in self.items), Decimal("0.00"))


@dataclass(frozen=True, slots=True)
class Person:
    """A made-up person. `orders` are those before the demo begins and those that come without any email.

    `warmth` (0 to 1) is how likely an email is read; times are aware UTC.
    """

    number: int
    address: str
    first_name: str
    last_name: str
    country: str
    signed_up: datetime
    source: str
    topics: str
    tags: str
    stage: str
    brews_with: str
    birthday: str
    trial_ends: str
    account: str
    mailbox: Mailbox
    warmth: float
    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class Country:
    """What people of a country have in common; `prices` go with GOODS."""

    locale: str
    timezone: str
    currency: str
    domain: str
    share: float
    prices: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]


GOODS = ("House coffee 1 kg", "Decaf Colombia 250 g", "Yemen Haraz 250 g", "Paper filters", "Cezve", "Slow kettle")
COUNTRIES: Mapping[str, Country] = {
    "TR": Country(
        "tr", "Europe/Istanbul", "TRY", "posta.example.com", 0.45,
        ("1450.00", "480.00", "690.00", "190.00", "790.00", "1990.00"),
        ("Elif", "İbrahim", "Ayşe", "Mert", "Zeynep", "Burak", "Ilgın", "Fatma", "Emre", "Selin", "Kerem", "Gül",
         "Ömer", "Hakan", "Nazlı", "Cem", "Pınar", "Işıl", "İrem", "Çağrı", "Şule", "Yiğit", "Aslı", "Tolga"),
        ("Yıldız", "Koç", "Çelik", "Aydın", "Öztürk", "Şahin", "Güneş", "Işık", "Korkmaz", "Doğan", "Arslan", "Polat",
         "Ünal", "Kılıç", "Şimşek", "Erdoğan", "Yalçın", "Tekin", "Başaran", "İnce", "Karadağ", "Uçar"),
    ),
    "DE": Country(
        "de", "Europe/Berlin", "EUR", "post.example.org", 0.3,
        ("44.00", "14.50", "21.00", "6.00", "24.00", "59.00"),
        ("Jonas", "Hannah", "Lena", "Lukas", "Marie", "Stefan", "Anna", "Felix", "Paul", "Katharina", "Moritz",
         "Jürgen", "Sören", "Käthe", "Greta", "Emil", "Frieda", "Matthias"),
        ("Weber", "Vogel", "Schäfer", "Großmann", "Krüger", "Becker", "Müller", "Hartmann", "Zimmermann", "Lange",
         "Jäger", "Weiß", "Schröder", "Köhler", "Brandt", "Lorenz"),
    ),
    "GB": Country(
        "en-GB", "Europe/London", "GBP", "mail.example.net", 0.25,
        ("38.00", "12.50", "18.00", "5.00", "21.00", "49.00"),
        ("Oliver", "Amelia", "Grace", "Noah", "Harry", "Isla", "Charlotte", "George", "Sophie", "Emily", "Jack",
         "Freya", "Zoë", "Siân", "Alfie", "Maisie", "Rhys", "Poppy"),
        ("Hughes", "Clarke", "Bennett", "O'Connor", "Whitfield", "Murray", "Price", "Ellis", "Turner", "Watson",
         "Robinson", "Shaw", "Brontë", "Lloyd", "Fraser", "Ward"),
    ),
}  # fmt: skip
OFFICES = ("Işık Mimarlık", "Kuzey Yazılım", "Liman Hukuk", "Weber & Söhne", "Hafen Design", "Brontë & Co")
BREWS = ("", "espresso", "filter", "cezve", "french press", "moka pot")
SCANNED_DOMAIN = "bigcorp.example.com"


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of people: their share, days from sign-up or last order to the start, and how they are disposed.

    `buys` is how many orders a day come without any email.
    """

    share: float
    days: tuple[float, float]
    warmth: float
    buys: float
    orders: tuple[int, int] = (0, 0)


SORTS: Mapping[str, Sort] = {
    "newcomer": Sort(0.30, (0, 0), 0.45, 0.0007),
    "fresh": Sort(0.12, (1, 60), 0.35, 0.0006),
    "silent": Sort(0.24, (95, 600), 0.14, 0.0002),
    "customer": Sort(0.14, (2, 362), 0.5, 0.003, (1, 4)),
    "former": Sort(0.20, (370, 900), 0.24, 0.0004, (1, 3)),
}


def make_people(seed: int, count: int, start: datetime, days: int) -> list[Person]:
    """`count` people of a business that has stood for years at `start` (aware UTC) and goes on for `days` days."""
    return [_person(Random(f"{seed}/person/{number}"), number, start, days) for number in range(count)]


def _person(rng: Random, number: int, start: datetime, days: int) -> Person:
    sort = rng.choices(list(SORTS), [one.share for one in SORTS.values()])[0]
    code = rng.choices(list(COUNTRIES), [one.share for one in COUNTRIES.values()])[0]
    first, last = rng.choice(COUNTRIES[code].first), rng.choice(COUNTRIES[code].last)
    mailbox = _mailbox(rng, sort)
    past = tuple(_past_orders(rng, number, sort, code, start))
    signed_up = _signed_up(rng, sort, past, start, days)
    own = Random(f"{number}/{first}/{last}/{signed_up:%m%d}")
    account = own.choice(OFFICES) if sort in ("newcomer", "fresh") and own.random() < 0.03 else ""
    source = rng.choices(("newsletter", "guide", "fair", "shop"), (5, 3, 1, 1))[0]
    return Person(
        number=number,
        address=_address(first, last, number, mailbox, code),
        first_name=first,
        last_name=last,
        country=code,
        signed_up=signed_up,
        source=source,
        topics=rng.choices(("offers stories", "offers", "stories", ""), (88, 4, 4, 4))[0],
        tags="office" if account else "interested" if source == "fair" and rng.random() < 0.7 else "",
        stage="prospect" if sort == "fresh" and rng.random() < 0.4 else "",
        brews_with=rng.choice(BREWS),
        birthday=_birthday(own),
        account=account,
        trial_ends=f"{signed_up + timedelta(days=30):%Y-%m-%d}" if sort == "newcomer" and own.random() < 0.12 else "",
        mailbox=mailbox,
        warmth=min(0.9, SORTS[sort].warmth * rng.uniform(0.3, 1.7)),
        orders=past + tuple(_coming_orders(rng, number, sort, code, max(start, signed_up), start, days)),
    )


def _birthday(rng: Random) -> str:
    """A day, told by every third."""
    day = date(1958, 1, 1) + timedelta(days=rng.randrange(46 * 365))
    return str(day) if rng.random() < 1 / 3 else ""


def _mailbox(rng: Random, sort: str) -> Mailbox:
    dead = 0.02 if sort in ("silent", "former") else 0.004
    return rng.choices(tuple(Mailbox), (0.40, 0.33, 0.24, 0.02, dead))[0]


def _address(first: str, last: str, number: int, mailbox: Mailbox, code: str) -> str:
    domain = SCANNED_DOMAIN if mailbox is Mailbox.SCANNED else COUNTRIES[code].domain
    return f"{_ascii(first)}.{_ascii(last)}.{number}@{domain}"


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFD", name.replace("ı", "i").replace("İ", "I").replace("ß", "ss"))
    return "".join(letter for letter in plain if letter.isascii() and letter.isalpha()).lower()


def _signed_up(rng: Random, sort: str, past: tuple[Order, ...], start: datetime, days: int) -> datetime:
    if past:
        return _whole(past[0].at - timedelta(days=rng.uniform(1, 60)))
    if sort == "newcomer":
        return _whole(start + timedelta(days=rng.uniform(0, days)))
    return _whole(start - timedelta(days=rng.uniform(*SORTS[sort].days)))


def _past_orders(rng: Random, number: int, sort: str, code: str, start: datetime) -> Iterator[Order]:
    count = rng.randint(*SORTS[sort].orders)
    if not count:
        return
    gaps = [rng.uniform(*SORTS[sort].days), *(rng.uniform(15, 120) for _ in range(count - 1))]
    for place in range(count):
        at = start - timedelta(days=sum(gaps[: count - place]))
        yield make_order(rng, f"F-{number}-{place + 1}", code, at)


def _coming_orders(
    rng: Random, number: int, sort: str, code: str, since: datetime, start: datetime, days: int
) -> Iterator[Order]:
    """Orders that come whoever writes or does not; those held out have them too."""
    end = start + timedelta(days=days)
    at = since + timedelta(days=2 + rng.expovariate(SORTS[sort].buys))
    place = 1
    while at < end:
        yield make_order(rng, f"N-{number}-{place}", code, at)
        at, place = at + timedelta(days=1 + rng.expovariate(SORTS[sort].buys)), place + 1


def make_order(rng: Random, order_id: str, code: str, at: datetime) -> Order:
    """An order of one to three goods at the prices of the country `code`."""
    country = COUNTRIES[code]
    chosen = rng.sample(range(len(GOODS)), rng.choice((1, 1, 1, 2, 2, 3)))
    items = tuple((GOODS[one], rng.choice((1, 1, 1, 2)), country.prices[one]) for one in chosen)
    return Order(order_id, _whole(at), country.currency, items)


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)
