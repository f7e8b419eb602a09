"""Accounts: what is asked of colleagues, and what one of them means for the others."""

from __future__ import annotations

from datetime import timedelta

from support.line import PROJECT, Line, campaign

from engine.conftest import Start
from nurture.actions.contact_changes import apply_chunk
from nurture.actions.doctor import invariants, recompute_all
from nurture.core.ids import account_id
from nurture.files.loader import load_files
from nurture.store import tables as t

STEPS = """
- {id: hello, send: hello}
- {id: pause, wait: 3 days}
- {id: second, send: second}
- {id: rest, wait: 30 days}
"""


def join(line: Line, account: str, *who: str, **owner: str) -> None:
    """Have contacts said to belong to an account, as an import does."""
    chunk = [{"key": f"{name}@example.com", "address": f"{name}@example.com", "account": account, "owner": owner}
             for name in who]  # fmt: skip
    apply_chunk(line.database, line.program, chunk, line.clock())


def team(line: Line, account: str = "Acme Ltd", *who: str) -> None:
    for name in who or ("ada", "bob"):
        line.add_contact(name)
    join(line, account, *(who or ("ada", "bob")))


def sound(line: Line) -> None:
    assert [one.name for one in invariants(line.database, line.program, None, line.clock()) if not one.ok] == []
    assert recompute_all(line.database, line.program, line.clock()).differences == ()


# --- conditions --------------------------------------------------------------------------------------


def test_everybody_of_the_account_leaves_when_one_replies(start: Start) -> None:
    line = start(campaign(STEPS, exit_when="[{account: replied}]"))
    team(line)
    line.add_contact("cleo")
    line.pass_()
    line.clock.forward(hours=5)
    line.reply("ada")
    line.pass_()
    assert [line.reason(who) for who in ("ada", "bob", "cleo")] == ["exit_when 1", "exit_when 1", None]
    sound(line)


def test_somebody_without_an_account_is_asked_for_alone(start: Start) -> None:
    line = start(campaign(STEPS, exit_when="[{account: replied}]"))
    line.add_contact("ada")
    line.add_contact("bob")
    line.pass_()
    line.clock.forward(hours=5)
    line.reply("ada")
    line.pass_()
    assert (line.reason("ada"), line.reason("bob")) == ("exit_when 1", None)


def test_what_a_colleague_did_before_one_entered_does_not_count_since_entry(start: Start) -> None:
    line = start(campaign(STEPS, exit_when="[{account: replied}]"))
    line.add_contact("ada")
    line.reply("ada")
    line.clock.forward(days=1)
    line.add_contact("bob")
    join(line, "Acme Ltd", "ada", "bob")
    line.run(days=1)
    assert line.reason("bob") is None


def test_an_email_that_is_due_does_not_leave_after_a_colleague_s_reply(start: Start) -> None:
    line = start(campaign(STEPS, exit_when="[{account: replied}]", send_window="{hours: 12:00-13:00}"))
    team(line)
    line.pass_()
    assert line.states("bob") == [("hello", "due")]
    line.clock.forward(hours=1)
    line.reply("ada")
    line.run(days=1)
    assert line.messages("bob")[0]["state"] != "accepted"
    assert line.provider.handed == []


def test_an_audience_asks_for_the_account(start: Start) -> None:
    line = start(campaign(audience="{where: [{account: {tag: champion}}]}"))
    team(line)
    line.add_contact("cleo")
    line.pass_()
    assert line.enrollments() == []
    line.tag("ada", "champion")
    line.change("ada", source="web")
    line.pass_()
    assert {row["contact_id"] for row in line.enrollments()} == {line.names["ada"], line.names["bob"]}


def test_counts_times_and_nested_questions_are_asked_of_each_colleague(start: Start) -> None:
    asked = "{account: {all: [{purchased: {times: {at_least: 2}}}, {not: {suppressed: {}}}]}}"
    line = start(campaign(audience=f"{{where: [{asked}]}}"))
    team(line)
    line.buy("ada")
    line.buy("bob")
    line.pass_()
    assert line.enrollments() == []
    line.buy("bob")
    line.pass_()
    assert len(line.enrollments()) == 2


def test_time_changes_the_answer_for_a_colleague(start: Start) -> None:
    steps = """
    - {id: quiet, wait: {until: {not: {account: {clicked: {within: 2 days}}}}, at_most: 20 days}}
    - {id: hello, send: hello}
    """
    line = start({"first": campaign(steps), "zero": campaign(status="draft")})
    team(line)
    line.click("ada")
    came = line.clock()
    line.run(days=10)
    sent = [at for _, at in line.sent_at("bob")]
    assert [timedelta(days=2) < at - came < timedelta(days=2, minutes=1) for at in sent] == [True]


def test_accounts_are_the_same_however_they_are_capitalised(start: Start) -> None:
    line = start()
    team(line, "Acme  Ltd", "ada")
    line.add_contact("bob")
    join(line, "ACME ltd", "bob", owner_name="Grace")
    join(line, "acme ltd", "bob")
    assert line.contact("ada")["account_id"] == line.contact("bob")["account_id"] == account_id("acme ltd")
    (row,) = line.rows(t.account)
    assert (row["name"], row["owner_name"]) == ("acme ltd", "Grace")


def test_a_template_shows_the_account_and_its_owner(start: Start) -> None:
    body = "---\nsubject: 'For {{ contact.account }} from {{ contact.account_owner }}'\n---\n<p>Hi</p>" \
           "{{ project.postal_address }}<a href=\"{{ links.unsubscribe }}\">stop</a>"
    line = start(templates={"hello": body})
    line.add_contact("ada")
    join(line, "Acme Ltd", "ada", owner_name="Grace Hopper")
    line.pass_()
    assert line.message()["subject"] == "For Acme Ltd from Grace Hopper"


def test_steps_and_entry_are_refused_where_they_mean_nothing(start: Start) -> None:
    line = start()

    def rules(**keys: str) -> list[str]:
        return [one.rule for one in load_files({**line.files, "campaigns/first.yaml": campaign(**keys)}).problems]

    assert rules(exit_when="[{account: {clicked: hello}}]") == ["no-meaning"]
    assert rules(audience="{where: [{account: replied}]}") == ["no-entry"]
    assert rules(exit_when="[{account: replyed}]") == ["condition"]
    assert rules(audience="{where: [{account: {replied: {within: 3 days}}}]}") == []


# --- limits ------------------------------------------------------------------------------------------

DAILY = "limits: {per_account: [1 per 24 hours]}\n"


def test_colleagues_share_the_project_s_limit_for_an_account(start: Start) -> None:
    line = start(project=PROJECT + DAILY)
    team(line, "Acme Ltd", "ada", "bob", "cleo")
    line.add_contact("dan")
    begun = line.clock()
    line.run(days=2)
    waits = sorted(at - begun for who in ("ada", "bob", "cleo") for _, at in line.sent_at(who))
    assert [wait >= timedelta(days=day) for day, wait in enumerate(waits)] == [True, True, True]
    assert line.sent_at("dan")[0][1] == begun
    sound(line)


def test_a_campaign_has_a_limit_of_its_own_for_an_account(start: Start) -> None:
    limited = campaign(limits="{per_account: [1 per 24 hours]}", overlap="allow")
    line = start({"first": limited, "second": campaign("- {id: other, send: second}", overlap="allow")})
    team(line)
    line.pass_()
    assert sorted(row["campaign"] for row in line.messages(state="accepted")) == ["first", "second", "second"]
    sound(line)


def test_transactional_mail_is_exempt_from_the_limits_of_accounts(start: Start) -> None:
    line = start(campaign(topic="orders"), project=PROJECT + DAILY)
    team(line)
    line.pass_()
    assert len(line.messages(state="accepted")) == 2


def test_an_account_that_got_more_than_its_limit_is_found(start: Start) -> None:
    line = start(project=PROJECT + DAILY)
    team(line)
    line.run(days=2)
    with line.database.write() as connection:
        connection.execute(t.message.update().values(claimed_at=line.clock()))
    assert "caps" in [one.name for one in invariants(line.database, line.program, None, line.clock()) if not one.ok]


# --- the owner ---------------------------------------------------------------------------------------


def senders(line: Line) -> list[str]:
    return [f"{one.email.sender.name} <{one.email.sender.address}>" for _, one in line.provider.handed]


def owned(start: Start, address: str, **keys: str) -> Line:
    line = start(campaign(**keys))
    line.add_contact("ada")
    join(line, "Acme Ltd", "ada", owner_name="Grace Hopper", owner_address=address)
    line.pass_()
    return line


def test_emails_are_from_the_account_s_owner_where_the_campaign_says_so(start: Start) -> None:
    line = owned(start, "grace@mail.acme.example", **{"from": "account owner"})
    assert senders(line) == ["Grace Hopper <grace@mail.acme.example>"]
    assert b"From: Grace Hopper <grace@mail.acme.example>\r\n" in line.provider.handed[0][1].email.as_bytes()
    (kept,) = line.rows(t.kept_email)
    assert (kept["sender_name"], kept["sender_address"]) == ("Grace Hopper", "grace@mail.acme.example")


def test_without_it_they_are_from_the_project(start: Start) -> None:
    assert senders(owned(start, "grace@mail.acme.example")) == ["Acme Shop <hello@mail.acme.example>"]


def test_an_owner_of_another_domain_is_no_sender(start: Start) -> None:
    assert senders(owned(start, "grace@gmail.example", **{"from": "account owner"})) == [
        "Acme Shop <hello@mail.acme.example>"
    ]


def test_who_has_no_account_hears_from_the_project(start: Start) -> None:
    line = start(campaign(**{"from": "account owner"}))
    line.add_contact()
    line.pass_()
    assert senders(line) == ["Acme Shop <hello@mail.acme.example>"]


# --- one conversion for all ----------------------------------------------------------------------------

SHARED = PROJECT + "lifecycle: {converts: account, customer_for: 30 days}\n"


def test_one_purchase_converts_the_whole_account(start: Start) -> None:
    line = start(campaign(STEPS, stay_while="{stage: [lead, prospect]}"), project=SHARED)
    team(line)
    line.add_contact("cleo")
    line.run(days=1)
    line.buy("ada", order="o1")
    bought = line.clock()
    line.pass_()
    assert [line.stage(who) for who in ("ada", "bob", "cleo")] == ["customer", "customer", "lead"]
    assert line.changes("bob") == [("customer", "account", bought)]
    assert (line.conversions("ada"), line.conversions("bob")) == ([("o1", "converted")], [])
    assert line.reason("bob") == "stay_while"
    sound(line)


def test_without_it_a_purchase_converts_the_buyer_alone(start: Start) -> None:
    line = start()
    team(line)
    line.buy("ada")
    assert (line.stage("ada"), line.stage("bob")) == ("customer", "lead")


def test_customers_by_their_account_lapse_with_its_last_purchase(start: Start) -> None:
    line = start(project=SHARED)
    team(line)
    line.buy("ada")
    line.run(days=20)
    line.buy("ada")
    line.run(days=20)
    assert line.stage("bob") == "customer"
    line.run(days=11)
    assert line.stage("bob") == "former"
    sound(line)


def test_orders_told_late_or_by_another_way_end_in_the_same_stages(start: Start) -> None:
    line = start(project=SHARED)
    team(line)
    came = line.clock()
    line.run(days=10)
    line.buy("bob", at=came + timedelta(days=8))
    line.buy("ada", at=came + timedelta(days=5))
    assert line.changes("bob") == [("customer", "account", came + timedelta(days=5))]
    sound(line)


def test_who_is_said_to_belong_to_the_account_later_is_a_customer_by_what_was_bought_since_they_are_known(
    start: Start,
) -> None:
    line = start(project=SHARED)
    team(line, "Acme Ltd", "ada")
    line.add_contact("bob")
    line.run(days=1)
    line.buy("ada")
    line.run(days=1)
    assert line.stage("bob") == "lead"
    join(line, "Acme Ltd", "bob")
    line.add_contact("cleo")
    join(line, "Acme Ltd", "cleo")
    assert (line.stage("bob"), line.stage("cleo")) == ("customer", "lead")
    sound(line)
