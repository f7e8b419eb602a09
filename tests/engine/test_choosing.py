"""Choosing by chance: splits, variants, samples, and the one that is found best; on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update
from support.line import MONDAY, Ledger, Line, campaign

from nurture.actions.record import record_facts
from nurture.actions.winner import find_winners
from nurture.core.event import BounceClass, Fact, Kind
from nurture.providers.base import Outcome, Rejected, Unavailable
from nurture.store import trials
from nurture.store.tables import message, trial

from .conftest import Start

SPLIT = """
    - id: format
      split:
        - id: reader
          share: 30%
          steps: [{id: hello, send: hello}, {id: pause, wait: 1 day}]
        - {id: doer, share: 70%, steps: [{id: second, send: second}]}
    - {id: after, send: third}
    """
VARIANTS = """
    - id: hello
      send: hello
      variants:
        - {id: place, subject: We kept your place}
        - {id: other, send: second}
    """


def trying(winner: str, variants: str = "[{id: a, subject: First}, {id: b, subject: Second}]", **keys: str) -> str:
    step = f"- {{id: hello, send: hello, otherwise: continue, variants: {variants}, winner: {{{winner}}}}}"
    return campaign(step, **{"re_enter": "1 day after leaving", **keys})


def crowd(line: Line, people: int, first: int = 0) -> list[str]:
    names = [f"c{number}" for number in range(first, first + people)]
    for name in names:
        line.add_contact(name)
    return names


def variants(line: Line) -> dict[str, str | None]:
    """What each got last; None for those whose email was not claimed."""
    names = {id_: name for name, id_ in line.names.items()}
    return {names[row["contact_id"]]: row["variant"] for row in line.messages()}


def got(line: Line, names: Iterable[str]) -> set[str | None]:
    """The variants that these got."""
    found = variants(line)
    return {found[name] for name in names}


def tell(line: Line, rows: list[dict[str, object]], kind: Kind, machine: str | None = None) -> None:
    """Something happens now to each of these messages."""
    at = line.clock()
    facts = [
        Fact(kind, at, "test", f"{kind} {row['id']}", contact_id=str(row["contact_id"]), message_id=str(row["id"]),
             machine=machine)
        for row in rows
    ]  # fmt: skip
    record_facts(line.database, line.program, facts, at)


def deliver(line: Line) -> None:
    """The provider tells that what it took arrived."""
    tell(line, line.messages(state="accepted"), Kind.DELIVERED)


def clicks(line: Line, names: list[str], which: str, every: int, machine: str | None = None) -> None:
    """Every so-manieth of those who got a variant clicks."""
    ids = {line.names[name] for name in names}
    mine = [row for row in line.messages(variant=which) if row["contact_id"] in ids]
    tell(line, mine[::every], Kind.CLICKED, machine)


def decided(line: Line) -> dict[str, object]:
    rows = [row for row in line.rows(trial) if row["decided_at"] is not None]
    assert len(rows) <= 1
    return rows[0] if rows else {}


# --- split -------------------------------------------------------------------------------------------


def test_a_split_sends_people_by_its_shares_and_they_go_on_after_it(start: Start) -> None:
    line = start(campaign(SPLIT))
    names = crowd(line, 200)
    line.pass_()
    ways = Counter(line.why(name)[0][2] for name in names)
    assert set(ways) == {"split: reader", "split: doer"}
    assert 35 <= ways["split: reader"] <= 85
    line.run(days=2, step=timedelta(hours=12))
    for name in names:
        way = "hello" if line.why(name)[0][2] == "split: reader" else "second"
        assert {step for step, _ in line.states(name)} == {way, "after"}


def test_a_way_without_steps_leads_to_what_follows(start: Start) -> None:
    line = start(campaign("""
        - id: some
          split: [{id: none, share: 50%}, {id: more, share: 50%, steps: [{id: hello, send: hello}]}]
        """))  # fmt: skip
    names = crowd(line, 30)
    line.pass_()
    assert {line.reason(name) for name in names} == {"completed"}
    assert 5 <= len(line.messages()) <= 25


def test_the_same_contact_goes_the_same_way_again(start: Start) -> None:
    line = start(campaign(SPLIT, re_enter="1 day after leaving"))
    names = crowd(line, 20)
    line.run(days=8, step=timedelta(hours=12))
    for name in names:
        first = {row["step"] for row in line.messages(name)} - {"after"}
        assert len(first) == 1 and len(line.enrollments(name)) > 1


def test_the_held_out_walk_a_split_like_everybody(start: Start) -> None:
    line = start(campaign(SPLIT, holdout="100%"))
    crowd(line, 20)
    line.run(days=2, step=timedelta(hours=12))
    whys = {why for name in line.names for _, _, why in line.why(name)}
    assert {"split: reader", "split: doer", "held out"} <= whys
    assert line.messages() == [] and {line.reason(name) for name in line.names} == {"completed"}


# --- variants ----------------------------------------------------------------------------------------


def test_each_variant_is_an_email_of_its_own(start: Start) -> None:
    line = start(campaign(VARIANTS), templates={"second": "---\nsubject: Another\n---\n" + line_body("Another one")})
    crowd(line, 40)
    line.pass_()
    subjects = {row["variant"]: row["subject"] for row in line.messages()}
    assert subjects == {"place": "We kept your place", "other": "Another"}
    html = {one.email.subject: one.email.html for _, one in line.provider.handed}
    assert "Another one" in html["Another"] and "Another one" not in html["We kept your place"]


def line_body(text: str) -> str:
    return f'<p>{text}</p>\n{{{{ project.postal_address }}}}\n<a href="{{{{ links.unsubscribe }}}}">stop</a>\n'


def test_unsaid_shares_part_what_is_left(start: Start) -> None:
    line = start(trying("by: clicked, after_time: 30 days", "[{id: a, subject: A, share: 80%}, {id: b, subject: B}]"))
    crowd(line, 150)
    line.pass_()
    counted = Counter(variants(line).values())
    assert 100 <= counted["a"] <= 138 and counted.total() == 150


def test_variants_do_not_show_in_the_feedback_id(start: Start) -> None:
    line = start(campaign(VARIANTS))
    crowd(line, 20)
    line.pass_()
    found = {value for _, one in line.provider.handed for name, value in one.email.headers if name == "Feedback-ID"}
    assert len(found) == 1


def test_a_new_variant_at_the_end_moves_nobody_between_the_others(start: Start) -> None:
    line = start(campaign(VARIANTS, re_enter="1 day after leaving"))
    names = crowd(line, 60)
    line.pass_()
    before = variants(line)
    line.publish(first=campaign(VARIANTS + "    - {id: third, subject: A third}\n", re_enter="1 day after leaving"))
    line.run(days=2, step=timedelta(hours=12))
    after = variants(line)
    assert Counter(after.values())["third"] > 5
    assert all(after[name] in (before[name], "third") for name in names)


def test_an_email_that_is_tried_again_stays_the_same_email(start: Start) -> None:
    provider = Ledger(answer=lambda _: Unavailable("busy", None))
    line = start(campaign(VARIANTS), provider=provider)
    crowd(line, 30)
    line.pass_()
    before = variants(line)
    flipped = VARIANTS.replace("place, subject", "place, share: 99%, subject")
    line.publish(first=campaign(flipped))
    provider.answer = Ledger().answer
    line.run(hours=3, step=timedelta(minutes=30))
    assert {row["state"] for row in line.messages()} == {"accepted"}
    assert variants(line) == before


# --- the winner --------------------------------------------------------------------------------------


def test_by_clicks_after_so_many_delivered_the_better_wins_and_all_further_get_it(start: Start) -> None:
    line = start(trying("by: clicked, after_each: 40 delivered"))
    names = crowd(line, 160)
    line.pass_()
    deliver(line)
    clicks(line, names, "a", 10)
    clicks(line, names, "b", 2)
    line.run(hours=23)
    assert decided(line) == {}
    line.run(hours=3)
    row = decided(line)
    assert (row["outcome"], row["winner"], row["judged"]) == ("won", "b", "clicked")
    figures = row["figures"]
    assert isinstance(figures, dict)
    assert figures["variants"]["a"]["people"] + figures["variants"]["b"]["people"] == 160
    assert figures["variants"]["a"]["p"] < 0.05 and figures["variants"]["b"]["p"] is None
    further = crowd(line, 20, 1_000)
    line.pass_()
    assert got(line, further) == {"b"}
    assert {line.message(name)["trial"] for name in further} == {None}


def test_nothing_is_decided_before_every_variant_was_delivered_so_often(start: Start) -> None:
    unequal = "[{id: a, subject: A, share: 90%}, {id: b, subject: B}]"
    line = start(trying("by: clicked, after_each: 40 delivered", unequal))
    names = crowd(line, 120)
    line.pass_()
    deliver(line)
    clicks(line, names, "b", 1)
    line.run(days=5, step=timedelta(hours=6))
    assert decided(line) == {}


def test_where_nobody_tells_of_delivery_three_silent_days_do(start: Start) -> None:
    line = start(trying("by: clicked, after_each: 20 delivered", re_enter="never"))
    crowd(line, 80)
    line.pass_()
    line.run(days=2, hours=23, step=timedelta(hours=1))
    assert decided(line) == {}
    line.run(days=1, step=timedelta(hours=1))
    assert decided(line)["outcome"] == "unproven"


def test_an_undecided_trial_stays_shared_is_called_unproven_and_is_looked_at_once(start: Start) -> None:
    line = start(trying("by: clicked, after_time: 4 hours"))
    names = crowd(line, 80)
    line.pass_()
    clicks(line, names, "a", 4)
    clicks(line, names, "b", 4)
    line.run(hours=5)
    row = decided(line)
    assert (row["outcome"], row["winner"]) == ("unproven", None)
    clicks(line, names, "b", 1)
    line.run(days=1)
    assert decided(line) == row
    further = crowd(line, 30, 1_000)
    line.pass_()
    assert got(line, further) == {"a", "b"}


@pytest.mark.parametrize(("confidence", "outcome"), [("80%", "won"), ("99%", "unproven")])
def test_how_sure_it_must_be_is_what_the_file_says(start: Start, confidence: str, outcome: str) -> None:
    line = start(trying(f"by: clicked, after_time: 4 hours, confidence: {confidence}"))
    names = crowd(line, 80)
    line.pass_()
    clicks(line, names, "a", 4)
    clicks(line, names, "b", 2)
    line.run(hours=5)
    row = decided(line)
    figures = row["figures"]
    assert isinstance(figures, dict) and 0.01 < figures["variants"]["a"]["p"] < 0.2
    assert row["outcome"] == outcome


def test_machines_choose_no_winner(start: Start) -> None:
    line = start(trying("by: clicked, after_time: 4 hours"))
    names = crowd(line, 80)
    line.pass_()
    clicks(line, names, "b", 1, machine="burst")
    line.run(hours=5)
    assert decided(line)["outcome"] == "unproven"


def test_a_lost_share_of_people_forbids_a_winner(start: Start) -> None:
    line = start(trying("by: clicked, after_time: 4 hours"))
    names = crowd(line, 160)
    line.pass_()
    clicks(line, names, "b", 1)
    with line.database.write() as connection:
        # Most of the a's were never handed over: something loses them.
        lost = [row["id"] for row in line.messages(variant="a")][20:]
        gone = message.c.id.in_(lost)
        connection.execute(update(message).where(gone).values(claimed_at=None, state="skipped", reason="template"))
    line.run(hours=5)
    row = decided(line)
    assert (row["outcome"], row["winner"]) == ("sample-ratio", None)


def test_by_conversions_those_that_the_email_claims_count(start: Start) -> None:
    line = start(trying("by: conversions, after_time: 2 days", re_enter="never"))
    crowd(line, 120)
    line.pass_()
    line.clock.forward(hours=1)
    mine = [name for name, which in variants(line).items() if which == "a"]
    for name in mine[: len(mine) // 2]:
        line.buy(name)
    line.run(days=3, step=timedelta(hours=6))
    row = decided(line)
    assert (row["outcome"], row["winner"]) == ("won", "a")


def test_by_conversions_a_purchase_outside_the_window_does_not_count(start: Start) -> None:
    line = start(trying("by: conversions, after_time: 6 days", re_enter="never"))
    crowd(line, 120)
    line.pass_()
    line.run(days=4, step=timedelta(hours=12))
    for name, which in variants(line).items():
        if which == "a":
            line.buy(name)
    line.run(days=3, step=timedelta(hours=6))
    assert decided(line)["outcome"] == "unproven"


def test_by_revenue_what_is_spent_counts_net(start: Start) -> None:
    line = start(trying("by: revenue, after_time: 2 days", re_enter="never"))
    names = crowd(line, 120)
    line.pass_()
    line.clock.forward(hours=1)
    mine = variants(line)
    for name in names[::2]:
        line.buy(name, "100" if mine[name] == "b" else "10", order=name)
    given_back = [name for name in names[::2] if mine[name] == "b"][:3]
    for name in given_back:
        line.refund(name)
    line.run(days=3, step=timedelta(hours=6))
    row = decided(line)
    assert (row["outcome"], row["winner"]) == ("won", "b")
    figures = row["figures"]
    assert isinstance(figures, dict)
    bought = sum(mine[name] == "b" for name in names[::2])
    assert figures["variants"]["b"]["spent"] == (bought - len(given_back)) * 10_000


def test_the_held_out_take_no_part(start: Start) -> None:
    line = start(trying("by: clicked, after_time: 4 hours", holdout="50%"))
    crowd(line, 80)
    line.run(hours=5)
    figures = decided(line)["figures"]
    assert isinstance(figures, dict)
    emailed = sum(row["arm"] == "emailed" for row in line.enrollments())
    assert sum(one["people"] for one in figures["variants"].values()) == emailed < 70


def test_whoever_enters_twice_counts_once(start: Start) -> None:
    line = start(trying("by: clicked, after_time: 5 days"))
    crowd(line, 40)
    line.run(days=6, step=timedelta(hours=6))
    figures = decided(line)["figures"]
    assert len(line.messages()) > 40
    assert isinstance(figures, dict) and sum(one["people"] for one in figures["variants"].values()) == 40


def test_several_workers_decide_once(start: Start) -> None:
    line = start(trying("by: clicked, after_time: 4 hours"))
    names = crowd(line, 80)
    line.pass_()
    clicks(line, names, "b", 1)
    at = line.clock.forward(hours=5)

    def ask(hours: int) -> int:
        then = at + timedelta(hours=hours)
        with line.database.read() as connection:
            found = trials.attended(connection, then, then)
        return find_winners(line.database, line.queries, found, then)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(4)))
    row = decided(line)
    assert row["winner"] == "b"
    assert ask(24 * 9) == 0
    assert decided(line) == row


def test_other_variants_are_another_trial(start: Start) -> None:
    line = start(trying("by: clicked, after_time: 4 hours"))
    names = crowd(line, 80)
    line.pass_()
    clicks(line, names, "b", 1)
    line.run(hours=5)
    assert decided(line)["winner"] == "b"
    three = "[{id: a, subject: First}, {id: b, subject: Second}, {id: c, subject: Third}]"
    line.publish(first=trying("by: clicked, after_time: 4 hours", three))
    further = crowd(line, 60, 1_000)
    line.pass_()
    assert got(line, further) == {"a", "b", "c"}
    assert sorted(row["outcome"] is None for row in line.rows(trial)) == [False, True]


def test_a_trial_that_the_files_no_longer_have_is_left_alone(start: Start) -> None:
    line = start(trying("by: clicked, after_time: 4 hours"))
    crowd(line, 10)
    line.pass_()
    line.publish(first=campaign())
    line.run(hours=6)
    assert decided(line) == {}
    assert line.rows(trial)[0]["look_at"] > line.clock()


# --- samples -----------------------------------------------------------------------------------------

SAMPLE = "by: clicked, sample: 40%, after_time: 4 hours"


def waiting(line: Line) -> list[str]:
    return [row["id"] for row in line.messages(state="due") if row["reason"] == "sample"]


def test_the_remainder_waits_for_the_winner_and_gets_it(start: Start) -> None:
    line = start(trying(SAMPLE, expires="2 days"))
    names = crowd(line, 200)
    line.pass_()
    tried = [name for name, which in variants(line).items() if which]
    assert 55 <= len(tried) <= 105 and len(waiting(line)) == 200 - len(tried)
    clicks(line, tried, "b", 1)
    line.run(hours=3)
    assert len(waiting(line)) == 200 - len(tried)
    line.run(hours=2)
    assert waiting(line) == [] and decided(line)["winner"] == "b"
    assert got(line, set(names) - set(tried)) == {"b"}
    assert {row["state"] for row in line.messages()} == {"accepted"}
    assert all(row["accepted_at"] <= MONDAY + timedelta(hours=4) for row in line.messages())


def test_where_none_is_proven_the_remainder_goes_shared(start: Start) -> None:
    line = start(trying(SAMPLE, expires="2 days"))
    names = crowd(line, 120)
    line.pass_()
    tried = {name for name, which in variants(line).items() if which}
    line.run(hours=5)
    assert decided(line)["outcome"] == "unproven" and waiting(line) == []
    assert got(line, set(names) - tried) == {"a", "b"}


@pytest.mark.parametrize("window", ["{days: mon-sun}", "{hours: 09:00-12:00}"])
def test_the_remainder_waits_no_longer_than_its_expiry_and_then_goes_shared(start: Start, window: str) -> None:
    line = start(trying("by: clicked, sample: 40%, after_each: 5000 delivered", expires="2 days", send_window=window,
                        re_enter="never"))  # fmt: skip
    names = crowd(line, 100)
    line.run(days=3, step=timedelta(hours=1))
    assert decided(line) == {} and waiting(line) == []
    rows = line.messages()
    assert {row["state"] for row in rows} == {"accepted"} and got(line, names) == {"a", "b"}
    late = [row["claimed_at"] - row["planned_at"] for row in rows]
    assert timedelta(days=1) <= max(late) <= timedelta(days=2)


def test_who_must_not_be_mailed_is_not_although_the_sample_was(start: Start) -> None:
    line = start(trying(SAMPLE, expires="2 days"))
    crowd(line, 60)
    line.pass_()
    waits = next(name for name, which in variants(line).items() if which is None)
    line.unsubscribe(waits)
    line.run(hours=6)
    assert line.states(waits) == [("hello", "skipped")]


def test_a_rejected_sample_does_not_count_as_delivered(start: Start) -> None:
    def answer(one: object) -> Outcome:
        return Rejected("no", BounceClass.SOFT)

    line = start(trying("by: clicked, after_each: 5 delivered"), provider=Ledger(answer=answer))
    crowd(line, 40)
    line.run(days=5, step=timedelta(hours=6))
    assert decided(line) == {}
