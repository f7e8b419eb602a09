"""What must be so across a campaign's parts and the project's other files: one small rule for each mistake.

The rules read plain data, so that they speak although something else in the file is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from nurture.core.dates import LocalMoment, parse_moment
from nurture.core.values import Duration, parse_duration, parse_money, parse_share, parse_switch
from nurture.core.zone import zone
from nurture.files import contradictions, moves, places, reach, walk
from nurture.files.closed import closed_all_year
from nurture.files.findings import Finding, Scene
from nurture.files.nearest import did_you_mean, nearest
from nurture.files.positions import Path

Rule = Callable[[Scene], Iterator[Finding]]
UTC_ZONE = zone("UTC")


def _steps(scene: Scene) -> list[walk.StepSeen]:
    return list(walk.steps(scene.data.get("steps")))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def duplicate_steps(scene: Scene) -> Iterator[Finding]:
    """Each step has an id of its own."""
    seen: set[str] = set()
    ids = {step.id for step in _steps(scene)}
    for step in _steps(scene):
        if step.id and step.id in seen:
            free = next(f"{step.id}-{number}" for number in count(2) if f"{step.id}-{number}" not in ids)
            hint = f"people keep their place by it; call this step '{free}', or better by what it does"
            yield Finding((*step.path, "id"), "duplicate-step", f"another step already has the id '{step.id}'", hint)
        seen.add(step.id or "")


def named_steps(scene: Scene) -> Iterator[Finding]:
    """A condition asks about the email of a step that sends one and comes before."""
    steps = _steps(scene)
    ids = {step.id for step in steps if step.id}
    senders = {step.id for step in steps if step.id and "send" in step.data}
    for condition in walk.conditions(scene.data):
        if condition.place == "audience":
            continue
        for path, name in walk.step_ids(condition):
            yield from _named(path, name, ids, senders, condition.before)


def _named(path: Path, name: str, ids: set[str], senders: set[str], before: frozenset[str] | None) -> Iterator[Finding]:
    if _length(name):
        message = "a length of time stands here where a step's id is read"
        yield Finding(path, "wrong-value", message, f"did you mean {{within: {name}}}?")
    elif name not in ids:
        yield Finding(
            path,
            "unknown-step",
            f"no step has the id '{name}'",
            did_you_mean(name, senders, "steps that send"),
        )
    elif name not in senders:
        message = f"the step '{name}' sends nothing, so nothing of it is received, opened or clicked"
        yield Finding(
            path,
            "step-sends-nothing",
            message,
            f"steps that send: {', '.join(sorted(senders))}" if senders else None,
        )
    elif before is not None and name not in before:
        reachable = senders & before
        hint = (
            f"steps that were sent before: {', '.join(sorted(reachable))}" if reachable else "move this step behind it"
        )
        yield Finding(path, "later-step", f"the step '{name}' comes later or on another branch", hint)


def topic(scene: Scene) -> Iterator[Finding]:
    """Topics are the project's."""
    if scene.topics is None:
        return
    asked: list[tuple[Path, Any]] = [(("topic",), scene.data.get("topic"))]
    for condition in walk.conditions(scene.data):
        if condition.key == "consent":
            asked.append(((*condition.path, "topic"), _dict(condition.asked).get("topic")))
    for step in _steps(scene):
        for key in ("ask_consent", "withdraw_consent"):
            asked += walk.texts(step.data.get(key), (*step.path, key))
    for path, name in asked:
        if isinstance(name, str) and name not in scene.topics:
            hint = did_you_mean(name, scene.topics, "topics of nurture.yaml")
            yield Finding(path, "unknown-topic", f"nurture.yaml has no topic '{name}'", hint)


def _sent(scene: Scene) -> Iterator[tuple[Path, Any]]:
    """The templates that are sent, each with its path."""
    for step in _steps(scene):
        yield (*step.path, "send"), step.data.get("send")
        variants = step.data.get("variants")
        for place, variant in enumerate(variants if isinstance(variants, list) else ()):
            yield (*step.path, "variants", place, "send"), _dict(variant).get("send")


def webhooks(scene: Scene) -> Iterator[Finding]:
    """Every webhook that is told something is the project's."""
    return _of_the_project(scene, ("notify", "webhook"), "webhooks", "webhook", "{url: https://…}")


def pools(scene: Scene) -> Iterator[Finding]:
    """Every pool that a coupon is taken from is the project's."""
    return _of_the_project(scene, ("coupon", "pool"), "coupons", "coupon pool", "{worth: 10%}")


def _of_the_project(scene: Scene, place: tuple[str, str], section: str, what: str, example: str) -> Iterator[Finding]:
    """Names at this place of a step that a section of nurture.yaml does not have; `example` is one as it has them."""
    known = _dict((scene.project or {}).get(section))
    short = what.rpartition(" ")[2]
    for step in _steps(scene) if scene.project is not None else ():
        name = _dict(step.data.get(place[0])).get(place[1])
        if isinstance(name, str) and name not in known:
            hint = did_you_mean(name, known, f"{short}s of nurture.yaml") if known else None
            hint = hint or f"write it there: '{section}: {{{name}: {example}}}'"
            yield Finding((*step.path, *place), f"unknown-{short}", f"nurture.yaml has no {what} '{name}'", hint)


def templates(scene: Scene) -> Iterator[Finding]:
    """Every template that is sent exists."""
    for path, name in _sent(scene):
        if isinstance(name, str) and name not in scene.templates and not name.endswith(".html"):
            best = nearest(name, scene.templates)
            hint = f"did you mean '{best}'?" if best else f"write the file templates/emails/{name}.html"
            yield Finding(path, "no-template", f"there is no template '{name}'", hint)


def entry_in_audience(scene: Scene) -> Iterator[Finding]:
    """Nothing has happened since entry where nobody has entered."""
    for condition in walk.conditions(scene.data):
        if condition.place != "audience":
            continue
        steps = list(walk.step_ids(condition))
        hint = "ask with within, more_than or ever, like {within: 30 days}"
        if isinstance(condition.asked, str) and _length(condition.asked) and condition.key in walk.PAST_EMAIL:
            message = "a length of time stands here where a step's id is read"
            yield Finding(condition.path, "wrong-value", message, f"did you mean {{within: {condition.asked}}}?")
        elif isinstance(condition.asked, str | list) and condition.key in walk.PAST_EMAIL:
            message = f"'{condition.key}' of a step asks since entry, and nobody of the audience has entered yet"
            yield Finding(condition.path, "no-entry", message, hint)
        elif condition.key in walk.PAST and _dict(condition.asked).get("since") == "entry":
            message = "'since: entry' has no meaning in an audience: nobody has entered yet"
            yield Finding((*condition.path, "since"), "no-entry", message, hint, at_key=True)
        elif steps:
            message = "an audience cannot ask about this campaign's steps: nobody has entered yet"
            yield Finding(steps[0][0], "no-entry", message, "leave 'step' out to ask about all emails")


def steps_of_colleagues(scene: Scene) -> Iterator[Finding]:
    """An account is asked for what its people do, not for the steps of somebody's passage."""
    for condition in walk.conditions(scene.data):
        for path, name in walk.step_ids(condition) if "account" in condition.path else ():
            message = f"colleagues have not come to the step '{name}': each has a passage of their own"
            yield Finding(path, "no-meaning", message, f"write 'account: {condition.key}', or {{within: 30 days}}")


def opens(scene: Scene) -> Iterator[Finding]:
    """Deciding by opens is warned about."""
    for condition in walk.conditions(scene.data):
        if condition.key == "opened":
            message = "opens say little: machines open emails, and people read without loading images"
            yield Finding(
                condition.path, "opens", message, "ask 'clicked' or 'engaged' instead", "warning", at_key=True
            )


def countries(scene: Scene) -> Iterator[Finding]:
    """Countries are ISO 3166, two letters."""
    for condition in walk.conditions(scene.data):
        for path, code in walk.texts(condition.asked, condition.path) if condition.key == "country" else ():
            if code not in places.COUNTRIES:
                best = places.country_meant(code)
                hint = f"did you mean '{best}'?" if best else "write its two capital letters (ISO 3166), like 'TR'"
                yield Finding(path, "unknown-country", f"'{code}' is not a country", hint)


def locales(scene: Scene) -> Iterator[Finding]:
    """Locales exist."""
    for condition in walk.conditions(scene.data):
        for path, name in walk.texts(condition.asked, condition.path) if condition.key == "locale" else ():
            if not places.is_locale(name):
                best = places.locale_meant(name)
                hint = f"did you mean '{best}'?" if best else "write it like 'tr' or 'en-GB'"
                yield Finding(path, "unknown-locale", f"'{name}' is not a locale", hint)


def _totals(scene: Scene) -> Iterator[tuple[Path, Any]]:
    asked = [(one.path, one.asked) for one in walk.conditions(scene.data) if one.key == "purchased"]
    asked.append((("goal", "purchased"), _dict(scene.data.get("goal")).get("purchased")))
    for path, value in asked:
        for key, amount in _dict(_dict(value).get("total")).items():
            yield (*path, "total", key), amount


def sums(scene: Scene) -> Iterator[Finding]:
    """A sum is in a currency that exists and can be told in the project's."""
    project = scene.project
    for path, amount in _totals(scene):
        try:
            currency = parse_money(amount).currency
        except ValueError:
            continue
        if not places.is_currency(currency):
            best = places.currency_meant(currency)
            hint = f"did you mean '{best}'?" if best else "write it like '50 EUR'"
            yield Finding(path, "unknown-currency", f"'{currency}' is not a currency", hint)
        elif project is not None and currency not in {
            project.get("currency", "EUR"),
            *_dict(project.get("exchange")),
        }:
            message = f"nurture.yaml has no rate for {currency}, so this sum cannot be reckoned"
            yield Finding(path, "no-rate", message, f"add it there: 'exchange: {{{currency}: …}}'")


def _length(value: Any) -> Duration | None:
    try:
        return parse_duration(value)
    except ValueError:
        return None


def _lengths(scene: Scene) -> Iterator[tuple[Path, Any]]:
    yield ("expires",), scene.data.get("expires")
    yield ("goal", "measured_over"), _dict(scene.data.get("goal")).get("measured_over")
    for step in _steps(scene):
        wait = step.data.get("wait")
        yield (*step.path, "wait"), wait
        yield (*step.path, "wait", "at_most"), _dict(wait).get("at_most")
        yield (*step.path, "coupon", "valid_for"), _dict(step.data.get("coupon")).get("valid_for")
        yield (*step.path, "winner", "after_time"), _dict(step.data.get("winner")).get("after_time")


def zero_lengths(scene: Scene) -> Iterator[Finding]:
    """A length of time is longer than nothing."""
    for path, value in _lengths(scene):
        length = _length(value)
        if length is not None and not length.delta:
            hint = "remove this step" if path[-1] == "wait" else "write a length like '3 days'"
            yield Finding(path, "zero-length", f"'{value}' is no time at all", hint)


def never_open(scene: Scene) -> Iterator[Finding]:
    """A window has weekdays."""
    asked: list[tuple[Path, Any]] = [(("send_window",), scene.data.get("send_window"))]
    asked += [((*step.path, "wait"), step.data.get("wait")) for step in _steps(scene)]
    for path, value in asked:
        if _dict(value).get("days") == []:
            yield Finding(
                (*path, "days"),
                "never-open",
                "no weekday is named, so this never comes",
                "write like 'mon-fri'",
            )


def re_enters(scene: Scene) -> Iterator[Finding]:
    """Entering again has a meaning, and an anniversary is met every year."""
    enter, again = _dict(scene.data.get("enter")), scene.data.get("re_enter")
    once = next((key for key in ("at", "date") if key in enter), None)
    if once and again not in (None, "never"):
        what = "that moment" if once == "at" else "each value of the date"
        yield Finding(("re_enter",), "no-meaning", f"people enter once for {what}", "remove this line", at_key=True)
    if "anniversary" in enter and again in (None, "never"):
        message = "whoever entered once never enters again, so this anniversary is met in one year only"
        path: Path = ("enter", "anniversary") if again is None else ("re_enter",)
        yield Finding(path, "once-only", message, "write 're_enter: 300 days after leaving'", "warning", at_key=True)


def ends_after_start(scene: Scene) -> Iterator[Finding]:
    """A campaign starts before it ends."""
    starts, ends = (_moment(scene.data.get(key)) for key in ("starts", "ends"))
    if starts and ends and ends.is_over(UTC_ZONE) <= starts.begins(UTC_ZONE):
        yield Finding(("ends",), "wrong-order", f"it ends ({ends}) before it starts ({starts})", "write a later day")


def _moment(value: Any) -> LocalMoment | None:
    try:
        return parse_moment(value)
    except ValueError:
        return None


def has_audience(scene: Scene) -> Iterator[Finding]:
    """It is said who may enter, unless an event says it."""
    if "audience" not in scene.data and "on" not in _dict(scene.data.get("enter")):
        hint = "write it like 'audience: {stage: inactive}'"
        yield Finding((), "missing-key", "'audience' is missing (Who may enter)", hint)


def same_as_entry(scene: Scene) -> Iterator[Finding]:
    """What is compared with the event of entry stands where people enter on one."""
    on_event = "on" in _dict(scene.data.get("enter"))
    for condition in walk.conditions(scene.data):
        if condition.key != "did" or "same" not in _dict(condition.asked):
            continue
        path = (*condition.path, "same")
        if condition.place == "audience":
            message = "'same' compares with the event of entry, and nobody of an audience has entered yet"
            yield Finding(path, "no-entry", message, "compare with 'where' instead", at_key=True)
        elif not on_event:
            message = "'same' compares with the event of entry, and nobody enters this campaign on one"
            yield Finding(path, "no-entry", message, "write 'enter: {on: …}', or compare with 'where'", at_key=True)


def scored(scene: Scene) -> Iterator[Finding]:
    """A score is asked for where the project says what gives points."""
    for condition in walk.conditions(scene.data):
        if condition.key == "score" and scene.project is not None and "score" not in scene.project:
            message = "nurture.yaml says nowhere what gives points"
            hint = "add it there: 'score: {half_life: 30 days, points: {clicked: 5}}'"
            yield Finding(condition.path, "no-score", message, hint, at_key=True)


def always_closed(scene: Scene) -> Iterator[Finding]:
    """Some days are open."""
    yield from closed_all_year(scene.data.get("not_on"))


def winners(scene: Scene) -> Iterator[Finding]:
    """A winner can be found: customers do not convert, and a sample shows it before the others expire."""
    stages = _dict(scene.data.get("audience")).get("stage")
    expires = _length(scene.data.get("expires", "3 days"))
    for step in _steps(scene):
        winner, path = _dict(step.data.get("winner")), (*step.path, "winner")
        if winner.get("by") == "conversions" and stages in ("customer", ["customer"]):
            message = "customers cannot convert any more, so no variant will be proven better"
            yield Finding((*path, "by"), "no-conversions", message, "judge by 'revenue' or 'clicked'", "warning")
        after = _length(winner.get("after_time"))
        if "sample" in winner and after and expires and after.delta >= expires.delta * 7 / 8:
            message = f"the others wait no longer than 'expires' ({expires}), so the winner comes too late for them"
            hint = "make it shorter, or 'expires' longer"
            yield Finding((*path, "after_time"), "late-winner", message, hint, "warning")


def held_out(scene: Scene) -> Iterator[Finding]:
    """Holding out begins at a step that exists; mail about orders and accounts is for everybody."""
    said, ids = scene.data.get("holdout"), {step.id for step in _steps(scene) if step.id}
    begins, share = _dict(said).get("from"), _dict(said).get("share") if isinstance(said, dict) else said
    if isinstance(begins, str) and begins not in ids:
        hint = did_you_mean(begins, ids, "steps")
        yield Finding(("holdout", "from"), "unknown-step", f"no step has the id '{begins}'", hint)
    topics = _dict((scene.project or {}).get("topics"))
    topic = scene.data.get("topic")
    if _some(share) and isinstance(topic, str) and _switched(_dict(topics.get(topic)).get("transactional")):
        message = f"nobody is held out of mail about orders and accounts, and the topic '{topic}' is that"
        yield Finding(("holdout",), "no-meaning", message, "remove this line", at_key=True)


def _some(share: Any) -> bool:
    try:
        return share is not None and parse_share(share) > 0
    except ValueError:
        return False


def _switched(value: Any) -> bool:
    try:
        return bool(parse_switch(value))
    except ValueError:
        return False


def sends_something(scene: Scene) -> Iterator[Finding]:
    """A campaign without an email is probably unfinished."""
    steps = _steps(scene)
    if steps and not any("send" in step.data for step in steps):
        yield Finding(
            ("steps",),
            "no-send",
            "no step sends an email",
            "add one like {id: hello, send: …}",
            "warning",
            True,
        )


RULES: tuple[Rule, ...] = (
    duplicate_steps, named_steps, topic, webhooks, pools, templates, entry_in_audience, steps_of_colleagues, opens,
    countries, locales, sums, zero_lengths, never_open, re_enters, ends_after_start, always_closed, has_audience,
    same_as_entry, scored, winners, held_out, sends_something, contradictions.never_true, reach.after_the_end,
    reach.opens_too_late, reach.idle_limits, reach.nobody_held_out, reach.goal_met, moves.moved, moves.removed,
)  # fmt: skip
