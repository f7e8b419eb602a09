from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete

from nurture.actions.record import record_suppressions
from nurture.core.event import Suppress, SuppressionReason
from nurture.emails.links import Purpose
from nurture.store import tables
from web.ground import Ground, served

Served = tuple[Ground, httpx.Client]
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def web(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "project", migrated_url) as both:
        yield both


@pytest.fixture
def lite(migrated_sqlite_url: str, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "project", migrated_sqlite_url) as both:
        yield both


def consents(ground: Ground, who: str = "ada") -> dict[str, bool]:
    return {row["topic"]: row["given"] for row in ground.rows("consent", contact_id=ground.people[who][0])}


def test_looking_at_the_unsubscribe_page_changes_nothing(lite: Served) -> None:
    ground, client = lite
    answer = client.get(ground.path(Purpose.UNSUBSCRIBE))
    assert answer.status_code == 200
    assert '<form method="post">' in answer.text
    client.head(ground.path(Purpose.UNSUBSCRIBE))
    client.get(ground.path(Purpose.PREFERENCES))
    assert ground.rows("suppression") == ground.rows("event") == []


def test_one_click_unsubscribes_before_it_answers(web: Served) -> None:
    ground, client = web
    answer = client.post(ground.path(Purpose.UNSUBSCRIBE), data=ONE_CLICK)
    assert (answer.status_code, answer.headers.get("location")) == (200, None)
    (suppression,) = ground.rows("suppression")
    assert suppression["address_key"] == "ada@example.com"
    assert suppression["reason"] == "unsubscribed"
    assert ground.message()["unsubscribed_at"] == ground.clock.at


def test_one_click_comes_as_multipart_too(lite: Served) -> None:
    ground, client = lite
    answer = client.post(ground.path(Purpose.UNSUBSCRIBE), files={"List-Unsubscribe": (None, "One-Click")})
    assert answer.status_code == 200
    assert ground.rows("suppression")


def test_unsubscribing_twice_is_answered_alike_and_recorded_once(web: Served) -> None:
    ground, client = web
    first = client.post(ground.path(Purpose.UNSUBSCRIBE), data=ONE_CLICK)
    ground.clock.forward(timedelta(hours=1))
    second = client.post(ground.path(Purpose.UNSUBSCRIBE), data=ONE_CLICK)
    assert (first.status_code, first.text) == (second.status_code, second.text)
    assert len(ground.rows("event", kind="unsubscribed")) == 1


def test_unsubscribing_concerns_nobody_else(lite: Served) -> None:
    ground, client = lite
    client.post(ground.path(Purpose.UNSUBSCRIBE), data=ONE_CLICK)
    assert [row["contact_id"] for row in ground.rows("suppression")] == [ground.people["ada"][0]]


def test_the_pages_show_too_little_of_an_address_for_a_stranger(lite: Served) -> None:
    ground, client = lite
    for purpose in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES):
        text = client.get(ground.path(purpose)).text
        assert "a***@example.com" in text
        assert "ada@example.com" not in text


def test_the_pages_speak_the_contact_s_language(lite: Served) -> None:
    ground, client = lite
    page = client.get(ground.path(Purpose.PREFERENCES, "deniz")).text
    assert '<html lang="tr">' in page
    assert "Fırsatlar" in page
    assert "Abonelikten çıkılsın mı?" in client.get(ground.path(Purpose.UNSUBSCRIBE, "deniz")).text
    assert '<html lang="en">' in client.get(ground.path(Purpose.PREFERENCES)).text


def test_choosing_topics_withdraws_the_others_and_keeps_every_word(web: Served) -> None:
    ground, client = web
    answer = client.post(
        ground.path(Purpose.PREFERENCES), data={"do": "save", "topic-stories": "yes", "tracked": "yes"}
    )
    assert "Saved." in answer.text
    assert consents(ground) == {"offers": False, "stories": True}
    (change,) = ground.rows("consent_change")
    assert (change["topic"], change["given"], change["source"]) == ("offers", False, "preference page")
    ground.clock.forward(timedelta(days=1))
    client.post(ground.path(Purpose.PREFERENCES), data={"do": "save", "topic-offers": "yes", "tracked": "yes"})
    assert consents(ground) == {"offers": True, "stories": False}


def test_saving_the_same_again_changes_nothing(lite: Served) -> None:
    ground, client = lite
    data = {"do": "save", "topic-offers": "yes", "topic-stories": "yes", "tracked": "yes"}
    assert client.post(ground.path(Purpose.PREFERENCES), data=data).status_code == 200
    assert ground.rows("consent_change") == []


def test_an_empty_post_is_not_read_as_nothing_ticked(lite: Served) -> None:
    ground, client = lite
    assert client.post(ground.path(Purpose.PREFERENCES)).status_code == 200
    assert consents(ground) == {"offers": True, "stories": True}
    assert ground.person()["tracked"]


def test_a_topic_that_is_not_the_project_s_or_not_a_choice_is_not_recorded(lite: Served) -> None:
    ground, client = lite
    data = {"do": "save", "topic-orders": "yes", "topic-secrets": "yes", "topic-offers": "yes", "topic-stories": "yes"}
    client.post(ground.path(Purpose.PREFERENCES), data=data)
    assert set(consents(ground)) == {"offers", "stories"}


def test_measuring_can_be_switched_off_and_on(web: Served) -> None:
    ground, client = web
    both = {"do": "save", "topic-offers": "yes", "topic-stories": "yes"}
    client.post(ground.path(Purpose.PREFERENCES), data=both)
    assert ground.person()["tracked"] is False
    client.post(ground.path(Purpose.PREFERENCES), data=both | {"tracked": "yes"})
    assert ground.person()["tracked"] is True


def test_everything_can_be_left_from_the_preference_page(lite: Served) -> None:
    ground, client = lite
    answer = client.post(ground.path(Purpose.PREFERENCES), data={"do": "unsubscribe"})
    assert "You are unsubscribed" in answer.text
    assert ground.rows("suppression")[0]["reason"] == "unsubscribed"
    assert "Subscribe again" in client.get(ground.path(Purpose.PREFERENCES)).text


def test_a_form_that_is_too_large_is_refused(lite: Served) -> None:
    ground, client = lite
    for purpose in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES):
        assert client.post(ground.path(purpose), content=b"x" * 70_000).status_code == 413
        pieces = iter([b"x" * 40_000, b"x" * 40_000])
        assert client.post(ground.path(purpose), content=pieces).status_code == 413
    assert ground.rows("suppression") == []


def test_a_form_that_is_none_is_refused(lite: Served) -> None:
    ground, client = lite
    assert client.post(ground.path(Purpose.PREFERENCES), content=b"\xff\xfe").status_code == 400


def again(ground: Ground, client: httpx.Client, *topics: str, who: str = "ada") -> str:
    """What the page says when somebody asks to hear of these topics again."""
    data = {"do": "subscribe", "tracked": "yes", **{f"topic-{topic}": "yes" for topic in topics}}
    return client.post(ground.path(Purpose.PREFERENCES, who), data=data).text


def suppressed_for(ground: Ground, reason: str, who: str = "ada") -> None:
    entry = Suppress(f"{who}@example.com", SuppressionReason(reason), "test", ground.clock.at)
    record_suppressions(ground.opened.database, ground.release.program, [entry], ground.clock.at)


def test_who_unsubscribed_can_subscribe_again_to_what_they_tick(web: Served) -> None:
    ground, client = web
    assert 'value="save"' in client.get(ground.path(Purpose.PREFERENCES)).text
    client.post(ground.path(Purpose.UNSUBSCRIBE), data=ONE_CLICK)
    page = client.get(ground.path(Purpose.PREFERENCES)).text
    assert "Subscribe again" in page and 'value="subscribe"' in page
    assert ground.rows("suppression")
    ground.clock.forward(timedelta(hours=1))
    page = again(ground, client, "stories")
    assert "You are subscribed again." in page and 'value="save"' in page
    assert ground.rows("suppression") == []
    assert consents(ground) == {"offers": False, "stories": True}
    words = {row["topic"]: (row["given"], row["source"]) for row in ground.rows("consent_change")}
    assert words == {"offers": (False, "preferences"), "stories": (True, "preferences")}


def test_who_subscribed_again_can_unsubscribe_again(lite: Served) -> None:
    ground, client = lite
    client.post(ground.path(Purpose.UNSUBSCRIBE), data=ONE_CLICK)
    ground.clock.forward(timedelta(hours=1))
    again(ground, client, "offers")
    ground.clock.forward(timedelta(hours=1))
    client.post(ground.path(Purpose.UNSUBSCRIBE), data=ONE_CLICK)
    assert ground.rows("suppression")[0]["reason"] == "unsubscribed"
    assert len(ground.events("unsubscribed")) == 2


def test_an_unsubscribe_that_is_told_late_does_not_overrule_a_later_subscribing(web: Served) -> None:
    ground, client = web
    before = ground.clock.at
    client.post(ground.path(Purpose.UNSUBSCRIBE), data=ONE_CLICK)
    ground.clock.forward(timedelta(hours=1))
    again(ground, client, "offers")
    ground.clock.forward(timedelta(hours=1))
    database, program = ground.opened.database, ground.release.program
    for at, reason, stands in (
        (before, "unsubscribed", False), (before, "bounced", True), (ground.clock.at, "unsubscribed", True)
    ):  # fmt: skip
        entry = Suppress("ada@example.com", SuppressionReason(reason), "import", at)
        record_suppressions(database, program, [entry], ground.clock.at)
        assert bool(ground.rows("suppression")) is stands
        with database.write() as connection:
            connection.execute(delete(tables.suppression))


@pytest.mark.parametrize("reason", ["bounced", "complained", "manual", "imported", "sunset"])
def test_only_an_unsubscribe_is_lifted(lite: Served, reason: str) -> None:
    ground, client = lite
    suppressed_for(ground, reason)
    page = again(ground, client, "offers", "stories")
    assert "write to care@ferah.example" in page and "Subscribe again" not in page
    assert [row["reason"] for row in ground.rows("suppression")] == [reason]
    assert ground.rows("consent_change") == []


def test_subscribing_again_to_nothing_changes_nothing(lite: Served) -> None:
    ground, client = lite
    client.post(ground.path(Purpose.UNSUBSCRIBE), data=ONE_CLICK)
    assert "Nothing is ticked" in again(ground, client)
    client.post(ground.path(Purpose.PREFERENCES))
    client.get(ground.path(Purpose.PREFERENCES))
    assert ground.rows("suppression") and ground.rows("consent_change") == []


def test_subscribing_again_concerns_nobody_else(lite: Served) -> None:
    ground, client = lite
    for who in ("ada", "deniz"):
        client.post(ground.path(Purpose.UNSUBSCRIBE, who), data=ONE_CLICK)
    assert "Yeniden abone ol" in client.get(ground.path(Purpose.PREFERENCES, "deniz")).text
    assert "Yeniden abone oldunuz." in again(ground, client, "offers", who="deniz")
    assert [row["contact_id"] for row in ground.rows("suppression")] == [ground.people["ada"][0]]


def test_who_never_unsubscribed_has_nothing_to_lift(lite: Served) -> None:
    ground, client = lite
    again(ground, client, "offers")
    assert consents(ground) == {"offers": True, "stories": True} and ground.rows("consent_change") == []


# --- agreeing ----------------------------------------------------------------------------------------


def asked(ground: Ground, topics: str = "offers,stories", who: str = "ada") -> str:
    contact_id, message_id = ground.people[who]
    return "/a/" + ground.opened.signer.token(Purpose.CONFIRM, contact_id, message_id, 0, topics)


def withdraw(ground: Ground, client: httpx.Client, who: str = "ada") -> None:
    client.post(ground.path(Purpose.PREFERENCES, who), data={"do": "save", "tracked": "yes"})


def test_fetching_a_link_to_agree_changes_nothing(lite: Served) -> None:
    ground, client = lite
    withdraw(ground, client)
    page = client.get(asked(ground)).text
    assert "Would you like to hear from us?" in page
    assert "Offers" in page
    assert consents(ground) == {"offers": False, "stories": False}
    client.post(asked(ground))
    assert consents(ground) == {"offers": False, "stories": False}


def test_pressing_the_button_gives_consent_to_what_the_link_is_about(web: Served) -> None:
    ground, client = web
    withdraw(ground, client)
    ground.clock.forward(timedelta(days=1))
    assert "Thank you" in client.post(asked(ground, "stories"), data={"do": "confirm"}).text
    assert consents(ground) == {"offers": False, "stories": True}
    assert ground.rows("consent_change")[-1]["source"] == "confirmed"


def test_a_link_to_agree_is_good_for_nothing_else(lite: Served) -> None:
    ground, client = lite
    forged = asked(ground).replace("/a/", "/p/")
    assert client.get(forged).status_code == 404
    assert client.get(ground.path(Purpose.PREFERENCES).replace("/p/", "/a/")).status_code == 404
    assert client.post(asked(ground)[:-2], data={"do": "confirm"}).status_code == 404


def test_the_page_to_agree_speaks_turkish(lite: Served) -> None:
    ground, client = lite
    page = client.get(asked(ground, who="deniz")).text
    assert "Bizden haber almak ister misiniz?" in page
    assert "Fırsatlar" in page
    assert "Teşekkürler" in client.post(asked(ground, who="deniz"), data={"do": "confirm"}).text


def test_mail_about_orders_is_nothing_to_agree_to(lite: Served) -> None:
    ground, client = lite
    client.post(asked(ground, "orders,unknown"), data={"do": "confirm"})
    assert set(consents(ground)) == {"offers", "stories"}
