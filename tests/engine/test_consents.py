"""Consent that a step asks for, and consent that a step takes back."""

from __future__ import annotations

import re
from datetime import timedelta

from support.line import Line, campaign

from engine.conftest import Start
from nurture.emails.links import Purpose, Signer
from nurture.files.loader import load_files
from nurture.store import tables as t

ASKING = """\
---
subject: One question
---
<p><a href="{{ links.confirm }}">Yes</a></p>
{{ project.postal_address }}
"""
ASK = """
- {id: hello, send: hello, ask_consent: offers}
- {id: pause, wait: {until: {consent: {topic: offers}}, at_most: 7 days}}
"""


def asking(start: Start, **keys: str) -> Line:
    line = start(campaign(ASK, topic="orders", **keys), templates={"hello": ASKING})
    line.add_contact("ada", consents=())
    line.pass_()
    return line


def test_a_step_asks_for_consent_with_a_signed_link_that_says_to_what(start: Start) -> None:
    line = asking(start)
    ((_, one),) = line.provider.handed
    (token,) = set(re.findall(r"https://n\.acme\.example/a/([A-Za-z0-9_-]+)", one.email.html))
    ref = Signer([b"k" * 32]).read(Purpose.CONFIRM, token)
    assert ref is not None
    assert (ref.contact_id, ref.message_id, ref.url) == (line.names["ada"], one.message_id, "offers")
    assert Signer([b"k" * 32]).read(Purpose.CLICK, token) is None


def test_whoever_agrees_goes_on_and_the_others_after_the_wait(start: Start) -> None:
    line = asking(start)
    line.add_contact("bob", consents=())
    line.run(days=1)
    line.consent("ada", offers=True)
    line.run(days=1)
    assert (line.reason("ada"), line.reason("bob")) == ("completed", None)
    line.run(days=7)
    assert line.reason("bob") == "completed"


def test_a_step_takes_consent_back_and_nothing_of_the_topic_leaves_after_it(start: Start) -> None:
    steps = """
    - {id: hello, send: hello}
    - {id: enough, withdraw_consent: offers}
    - {id: pause, wait: 1 day}
    - {id: second, send: second}
    """
    line = start(campaign(steps))
    line.add_contact()
    line.run(days=3)
    assert line.states() == [("hello", "accepted"), ("second", "skipped")]
    (word,) = line.rows(t.consent_change, "ada")
    assert (word["topic"], word["given"], word["source"]) == ("offers", False, "campaign")


def test_the_held_out_keep_their_consent(start: Start) -> None:
    line = start(campaign("[{id: enough, withdraw_consent: offers}, {id: rest, wait: 9 days}]", holdout="100%"))
    line.add_contact()
    line.run(days=1)
    assert line.enrollment()["step"] == "rest"
    assert [row["given"] for row in line.rows(t.consent, "ada")] == [True]


def test_a_link_to_agree_needs_a_step_that_asks(start: Start) -> None:
    from nurture.actions.check import check_files

    line = start()
    files = {**line.files, "templates/emails/hello.html": ASKING}
    (problem, *_) = check_files(files).errors
    assert problem.hint == "write 'ask_consent: TOPIC' at the step"


def test_an_email_that_asks_and_leads_nowhere_is_warned_about(start: Start) -> None:
    from nurture.actions.check import check_files

    line = start()
    campaigns = {"campaigns/first.yaml": campaign("[{id: hello, send: hello, ask_consent: offers}]")}
    (problem,) = (one for one in check_files({**line.files, **campaigns}).problems if one.rule == "ask-consent")
    assert (problem.severity, problem.path) == ("warning", "templates/emails/hello.html")
    asking = check_files({**line.files, **campaigns, "templates/emails/hello.html": ASKING})
    assert "ask-consent" not in {one.rule for one in asking.problems}


def test_topics_that_are_asked_for_or_taken_back_are_the_project_s(start: Start) -> None:
    line = start()
    for step in ("{id: hello, send: hello, ask_consent: ofers}", "{id: enough, withdraw_consent: [ofers]}"):
        files = {**line.files, "campaigns/first.yaml": campaign(f"[{step}, {{id: x, send: second}}]")}
        (problem,) = load_files(files).problems
        assert (problem.rule, problem.hint) == ("unknown-topic", "did you mean 'offers'?")


def test_a_wait_for_consent_begins_when_the_email_left(start: Start) -> None:
    line = asking(start)
    assert line.enrollment()["due_at"] == line.clock() + timedelta(days=7)
