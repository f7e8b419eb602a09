"""Sixty people, two campaigns and seventy days: a database in which everything that can happen has happened."""

from __future__ import annotations

from datetime import timedelta

from support.line import PROJECT, Line, campaign, open_line

STEPS = """
- {id: hello, send: hello}
- {id: pause, wait: 3 days}
- id: asks
  if: {clicked: hello}
  then: [{id: second, send: second}]
  else: [{id: third, send: third}]
"""
RULES = """\
limits: {per_contact: [1 per 24 hours, 3 per 7 days], per_hour: 50, per_day: 200}
lifecycle: {inactive: {after: 20 days, delivered: 1}, customer_for: 30 days}
"""
CAMPAIGNS = {
    "first": campaign(
        STEPS, holdout="20%", send_window="{days: mon-fri, hours: 09:00-18:00}", limits="{per_contact: [2 per 30 days]}"
    ),
    "orders": campaign(
        "- {id: thanks, send: fourth}", topic="orders", overlap="allow", audience="{stage: customer}", re_enter="never"
    ),
}
ZONES = ("Europe/Istanbul", "Asia/Tokyo", None)


def live_through(url: str, people: int = 60) -> Line:
    """Let it all happen: opens and clicks by people and machines, bounces, purchases early and late, refunds."""
    line = open_line(url, CAMPAIGNS, project=PROJECT + RULES)
    for number in range(people):
        line.add_contact(f"c{number}", timezone=ZONES[number % 3], tracked=number % 10 != 9)
    line.run(days=2, step=timedelta(hours=2))
    for number in range(people):
        if line.messages(f"c{number}"):
            _answer(line, f"c{number}", number)
    line.run(days=3, step=timedelta(hours=3))
    for number in range(0, people, 4):
        line.buy(f"c{number}", order=f"o{number}", at=line.clock() - timedelta(hours=number))
    for number in range(1, people, 9):
        line.buy(f"c{number}", "50", "GBP", order=f"o{number}")
    line.refund("o4")
    line.refund("o8", "3")
    line.run(days=60, step=timedelta(hours=12))
    for number in range(0, people, 8):
        line.buy(f"c{number}", order=f"p{number}")
    line.pass_()
    return line


def _answer(line: Line, who: str, number: int) -> None:
    if number % 7 == 0:
        line.open(who, "hello", machine="apple")
    if number % 5 == 0:
        line.open(who, "hello")
    if number % 6 == 0:
        line.click(who, "hello")
    if number % 11 == 0:
        line.click(who, "hello", machine="burst")
    if number % 13 == 0:
        line.unsubscribe(who)
    if number % 17 == 0:
        line.bounce(who, "hello")
