"""Steps that nobody comes to, and windows, limits and goals that leave nothing to do."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

from nurture.core.dates import parse_moment
from nurture.core.values import (
    Hours,
    Rate,
    parse_days,
    parse_duration,
    parse_hours,
    parse_rate,
    parse_share,
    parse_switch,
)
from nurture.files import walk
from nurture.files.findings import Finding, Scene
from nurture.files.positions import Path

BOUGHT = frozenset({"customer", "former"})
"""Stages of those who have bought at some time."""


_EXPLAINED = re.compile(r"^holdout:[^\n#]*\s#\s*\w", re.M)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def after_the_end(scene: Scene) -> Iterator[Finding]:
    """No email stands behind a step that stops mailing."""
    yield from _behind(_list(scene.data.get("steps")), ("steps",), False)


def _behind(steps: list[Any], path: Path, stopped: bool) -> Iterator[Finding]:
    for index, step in enumerate(steps):
        here = (*path, index)
        if stopped and "send" in _dict(step):
            message = "mailing was stopped for good on the way here, so nobody gets this email"
            yield Finding(here, "unreachable-step", message, "move it before 'stop_mailing', or remove it", "warning")
        for way, inside in _ways(step):
            yield from _behind(inside, (*here, *way), stopped)
        stopped = stopped or _stops(step)


def _ways(step: Any) -> Iterator[tuple[Path, list[Any]]]:
    """The lists of steps inside a step, each with its path."""
    data = _dict(step)
    for key in ("then", "else"):
        if key in data:
            yield (key,), _list(data[key])
    for index, way in enumerate(_list(data.get("split"))):
        yield ("split", index, "steps"), _list(_dict(way).get("steps"))


def _stops(step: Any) -> bool:
    """Whether everybody who passes a step is mailed no more."""
    data = _dict(step)
    if "stop_mailing" in data:
        return True
    ways = [any(_stops(one) for one in inside) for _, inside in _ways(step)]
    return bool(ways) and all(ways) and ("else" in data or "split" in data)


def opens_too_late(scene: Scene) -> Iterator[Finding]:
    """The window opens before an email of one moment is stale."""
    enter, steps = _dict(scene.data.get("enter")), _list(scene.data.get("steps"))
    window = _dict(scene.data.get("send_window", (scene.project or {}).get("send_window")))
    try:
        moment = parse_moment(enter.get("at"))
        expires = parse_duration(scene.data.get("expires", "3 days")).delta
        days = parse_days(window["days"]) if "days" in window else frozenset(range(7))
        hours = parse_hours(window["hours"]) if "hours" in window else None
    except ValueError:
        return
    if not steps or "send" not in _dict(steps[0]) or not days:
        return
    begins = datetime.combine(moment.day, moment.clock or time())
    opens = _opening(begins, days, hours)
    if opens > begins + expires:
        message = (
            f"the window opens on {opens:%A, %Y-%m-%d}, and by then the email is stale (expires: {expires.days} days)"
        )
        hint = "choose another moment, open the window on that day, or make 'expires' longer"
        yield Finding(("enter", "at"), "never-open", message.replace("1 days", "1 day"), hint)


def _opening(begins: datetime, days: frozenset[int], hours: Hours | None) -> datetime:
    """The first time from `begins` on, in the contact's own time, at which the window is open."""
    at = begins
    while at.weekday() not in days or (hours is not None and at.time() not in hours):
        at = (at + timedelta(minutes=1)).replace(second=0)
    return at


def idle_limits(scene: Scene) -> Iterator[Finding]:
    """Every limit can bite: none is always kept because another one is."""
    limits = _dict(scene.data.get("limits"))
    for key in ("per_contact", "per_account"):
        rates = [_rate(one) for one in _list(limits.get(key))]
        for index, rate in enumerate(rates):
            for other in rates[:index] + rates[index + 1 :]:
                if rate and other and _most(other, rate) <= rate.count and (rate != other or rates.index(rate) < index):
                    message = f"'{other}' never lets it come to this, so this limit does nothing"
                    path = ("limits", key, index)
                    yield Finding(path, "limit-never-bites", message, "remove it, or make it narrower", "warning")
                    break
    yield from _idle_hours(limits)


def _rate(value: Any) -> Rate | None:
    try:
        return parse_rate(value)
    except ValueError:
        return None


def _most(kept: Rate, asked: Rate) -> int:
    """The most emails there can be in the time that `asked` is about, when `kept` is kept."""
    return kept.count * math.ceil(asked.per.delta / kept.per.delta) if kept.per.delta else 10**9


def _idle_hours(limits: dict[str, Any]) -> Iterator[Finding]:
    hour, day = limits.get("per_hour"), limits.get("per_day")
    if isinstance(hour, int) and isinstance(day, int) and 0 < day <= hour:
        message = f"a day has no more than {day} emails, so this limit does nothing"
        yield Finding(("limits", "per_hour"), "limit-never-bites", message, "make it smaller, or remove it", "warning")


def nobody_held_out(scene: Scene) -> Iterator[Finding]:
    """Somebody is held out where it is asked what a campaign earned, or a comment beside it says why nobody is."""
    said = scene.data.get("holdout")
    share, path = (_dict(said).get("share"), ("holdout", "share")) if isinstance(said, dict) else (said, ("holdout",))
    name = scene.data.get("topic")
    if scene.project is None or not isinstance(name, str) or name not in (scene.topics or ()):
        return
    topic = _dict(scene.project["topics"][name])
    try:
        none = share is not None and parse_share(share) == 0
        transactional = "transactional" in topic and parse_switch(topic["transactional"])
    except ValueError:
        return
    if none and not transactional and not _EXPLAINED.search(scene.text):
        message = "nobody is held out, so reports tell what this campaign claims, and never what it earned"
        hint = "write 'holdout: 10%' to learn it, or say why not in a comment beside it"
        yield Finding(path, "no-holdout", message, hint, "note")


def goal_met(scene: Scene) -> Iterator[Finding]:
    """Those who enter have not reached the goal already."""
    goal = _dict(_dict(scene.data.get("goal")).get("purchased"))
    audience = _dict(scene.data.get("audience"))
    if not goal or set(goal) - {"ever", "times"} or goal.get("ever") in ("no", False):
        return
    if "times" in goal and set(_dict(goal["times"]).items()) - {("at_least", 1)}:
        return
    stages = {text for _, text in walk.texts(audience.get("stage"), ())}
    asked = [_dict(one).get("purchased") for one in _list(audience.get("where"))]
    if (stages and stages <= BOUGHT) or any(
        one is not None and _dict(one).get("ever") not in ("no", False) for one in asked
    ):
        message = "whoever enters has bought before, so the goal is reached before the first step"
        hint = "count what they buy from now on: 'purchased: {since: entry}'"
        yield Finding(("goal", "purchased"), "goal-met", message, hint)
