"""Choosing between emails: variants, their shares, and how a winner is found among them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator

from nurture.core.chance import choose
from nurture.core.condition import Closed
from nurture.core.ids import stable_share
from nurture.core.values import DurationText, ShareText, text_schema

StepId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
TemplateName = Annotated[str, Field(pattern=r"^[a-z0-9_-]+(/[a-z0-9_-]+)*$")]

SLIP = 1e-9
"""How far sums of decimal shares may be out."""


class Judged(StrEnum):
    """What variants are compared by: people who clicked, who converted, or what they spent."""

    CLICKED = "clicked"
    CONVERSIONS = "conversions"
    REVENUE = "revenue"


def parse_judged(value: object) -> Judged:
    """Read what to judge by. Raises ValueError, for opens with the reason."""
    if isinstance(value, str) and "open" in value.lower():
        what = "opens cannot choose a winner, for machines open emails"
        raise ValueError(f"{what}; judge by 'clicked', 'conversions' or 'revenue'")
    try:
        return Judged(str(value))
    except ValueError:
        raise ValueError(f"{value!r} cannot choose a winner; write 'clicked', 'conversions' or 'revenue'") from None


def parse_delivered(value: object) -> int:
    """Read "500 delivered"."""
    match = re.fullmatch(r"(\d{1,9}) delivered", value.strip()) if isinstance(value, str) else None
    if not match or int(match[1]) < 1:
        raise ValueError(f"{value!r} says not how many; write it like '500 delivered'")
    return int(match[1])


def parse_confidence(value: object) -> float:
    """Read "95%"; from 80% up to, not including, 100%."""
    match = re.fullmatch(r"(\d{2}(?:\.\d+)?) ?%", value) if isinstance(value, str) else None
    read = float(match[1]) / 100 if match else value
    if not isinstance(read, float) or not 0.8 <= read < 1:
        raise ValueError(f"{value!r} is no confidence; write it like '95%', from 80% to below 100%")
    return read


JudgedText = Annotated[
    Judged,
    BeforeValidator(parse_judged),
    WithJsonSchema({"enum": [one.value for one in Judged], "examples": ["clicked"]}),
]
DeliveredText = Annotated[
    int,
    BeforeValidator(parse_delivered),
    PlainSerializer(lambda count: f"{count} delivered"),
    WithJsonSchema(text_schema(r"\s*(?!0+ )\d{1,9} delivered\s*", "500 delivered")),
]
ConfidenceText = Annotated[
    float,
    BeforeValidator(parse_confidence),
    PlainSerializer(lambda share: f"{share * 100:g}%"),
    WithJsonSchema(text_schema(r"[89]\d(\.\d+)? ?%", "95%")),
]


class Variant(Closed):
    """One of several emails for a step."""

    id: StepId = Field(
        description="A lasting name, unique in the step; people keep their email by it.", examples=["place"]
    )
    share: ShareText | None = Field(
        None, description="How many get it; those who say nothing share equally what is left.", examples=["30%"]
    )
    subject: str | None = Field(
        None, min_length=1, description="Instead of the template's own subject.", examples=["We kept your place"]
    )
    send: TemplateName | None = Field(
        None, description="Another template than the step's.", examples=["wake-up/miss-you-short"]
    )


class Winner(Closed):
    """When and by what the best variant is chosen, once; a difference that chance may have made chooses none."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["after_each"]}, {"required": ["after_time"]}]})

    by: JudgedText = Field(
        description="What is compared: people who clicked, who converted inside `claimed_within`, or what was spent.",
        examples=["clicked"],
    )
    after_each: DeliveredText | None = Field(
        None,
        description="Not before every variant was delivered so often, and those emails had their time.",
        examples=["500 delivered"],
    )
    after_time: DurationText | None = Field(
        None,
        description="The time emails have to show what they do; without `after_each`, from the first one sent.",
        examples=["4 hours"],
    )
    sample: ShareText | None = Field(
        None,
        description="Only so many get variants before; the others wait for the winner, no longer than `expires`.",
        examples=["20%"],
    )
    confidence: ConfidenceText = Field(0.95, description="How sure it must be.", examples=["95%"])

    @model_validator(mode="after")
    def _said(self) -> Winner:
        if self.after_each is None and self.after_time is None:
            raise ValueError("say when the winner is chosen: after_each, after_time or both")
        if self.sample is not None and not 0 < self.sample < 1:
            raise ValueError("a sample is some of the people, and not all; write it like '20%'")
        if self.after_time is not None and not self.after_time.delta:
            raise ValueError("after_time is no time at all; write it like '4 hours'")
        return self


def parted(said: Mapping[str, float | None], ids: Sequence[str]) -> dict[str, float]:
    """Shares by id; those who say none part equally what is left. Raises ValueError where they are not 100%."""
    twice = next((one for one in ids if ids.count(one) > 1), None)
    if twice:
        raise ValueError(f"two of them have the id '{twice}'; give each an id of its own")
    silent = [name for name in ids if said[name] is None]
    left = 1 - sum(share or 0 for share in said.values())
    if left < -SLIP or (not silent and left > SLIP):
        raise ValueError(f"the shares are {1 - left:.4%} together; make them 100%".replace(".0000%", "%"))
    if silent and left <= SLIP:
        raise ValueError(f"nothing is left for '{silent[0]}'; make the other shares smaller, or give it one")
    if any(share == 0 for share in said.values()):
        raise ValueError("a share of 0% gets nobody; remove it, or give it a share")
    return {name: share if (share := said[name]) is not None else left / len(silent) for name in ids}


def shares_of(variants: Sequence[Variant]) -> dict[str, float]:
    """The share of each variant. Raises ValueError where they are not 100% together."""
    return parted({one.id: one.share for one in variants}, [one.id for one in variants])


A_DAY = timedelta(days=1)
"""How long an email has to be clicked where `after_time` does not say; most clicks come on the first day."""


@dataclass(frozen=True)
class Trial:
    """The choice between the variants of one step.

    `digest` names who takes part: other ids, shares, templates or subjects make another trial. `ripens` is how long
    an email has to show what it does.
    """

    step: str
    digest: str
    shares: Mapping[str, float]
    winner: Winner | None
    ripens: timedelta

    def variant(self, salt: str, campaign: str, contact_id: str) -> str:
        """The variant that falls to a contact by lot."""
        return choose(self.shares, salt, campaign, self.step, contact_id)

    def sampled(self, salt: str, campaign: str, contact_id: str) -> bool:
        """Whether a contact gets its variant before the winner is known."""
        if self.winner is None or self.winner.sample is None:
            return True
        # A name that no variant can have, so that this lot has nothing to do with theirs.
        return stable_share(salt, campaign, self.step, contact_id, "the sample") < self.winner.sample


class Varied(Protocol):
    """A step whose email may come in variants."""

    @property
    def id(self) -> str: ...
    @property
    def variants(self) -> tuple[Variant, ...]: ...
    @property
    def winner(self) -> Winner | None: ...
    def template(self, variant: str) -> str: ...
    def subject_of(self, variant: str) -> str | None: ...


def trial_of(step: Varied, claimed_within: timedelta) -> Trial:
    """The trial of a step that has variants; `claimed_within` is how long an email may claim a purchase."""
    shares = shares_of(step.variants)
    told = [
        part
        for name in sorted(shares)
        for part in (name, f"{shares[name]:.9f}", step.template(name), str(step.subject_of(name)))
    ]
    return Trial(step.id, _digest(told), shares, step.winner, _ripens(step.winner, claimed_within))


def _ripens(winner: Winner | None, claimed_within: timedelta) -> timedelta:
    if winner is not None and winner.after_time is not None:
        return winner.after_time.delta
    return A_DAY if winner is None or winner.by is Judged.CLICKED else claimed_within


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
