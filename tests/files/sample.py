"""A right project as texts, to be spoilt one line at a time."""

from __future__ import annotations

PROJECT = """\
project: Acme Shop
base_url: https://n.acme.example
timezone: Europe/Istanbul
locale: en
currency: EUR
exchange: {TRY: 0.021}
from: {name: Acme Shop, address: hello@mail.acme.example}
postal_address: Acme Ltd, 1 Example Street, Istanbul
topics:
  offers: {title: {en: Offers, tr: Fırsatlar}}
order: [wake-up]
"""

CAMPAIGN = """\
title: Wake up
status: live
topic: offers
audience:
  stage: inactive
  where:
    - country: [TR, DE]
    - not: {received: {within: 7 days}}
enter: {look: daily at 10:53, backfill: yes}
re_enter: 180 days after leaving
holdout: 10%
goal:
  purchased: {since: entry}
  claimed_within: {click: 7 days, email: 3 days}
  measured_over: 45 days
send_window: {days: mon-fri, hours: 09:00-18:00}
exit_when:
  - replied: {since: entry}
steps:
  - id: miss-you
    send: wake-up/miss-you
  - id: pause
    wait: 3 days
  - id: interested
    if: {clicked: miss-you}
    then:
      - {id: offer, send: wake-up/offer}
    else:
      - id: later
        wait: {until: 10:00, days: mon-fri, at_least: 1 day}
"""

TEMPLATE = "---\nsubject: Hello\n---\n<p>Hello {{ contact.first_name }}</p>\n"
CAMPAIGN_PATH = "campaigns/wake-up.yaml"


def files(project: str = PROJECT, campaign: str = CAMPAIGN) -> dict[str, str]:
    """The project's texts by path."""
    return {
        "nurture.yaml": project,
        CAMPAIGN_PATH: campaign,
        "templates/emails/wake-up/miss-you.html": TEMPLATE,
        "templates/emails/wake-up/miss-you.tr.html": TEMPLATE.replace("Hello", "Merhaba"),
        "templates/emails/wake-up/offer.html": TEMPLATE,
    }
