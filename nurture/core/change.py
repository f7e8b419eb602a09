"""What a step may change about a contact."""

from __future__ import annotations

from pydantic import Field, model_validator

from nurture.core.asked import Said
from nurture.core.condition import Closed, Scalar, Texts


class TagChange(Closed):
    """Tags to put on and take off."""

    add: Texts | None = Field(None, description="Tags to put on.", examples=[["onboarded"]])
    remove: Texts | None = Field(None, description="Tags to take off.", examples=[["new"]])


class SetChange(Said):
    """What to set on the contact."""

    attributes: dict[str, Scalar | None] = Field(
        {}, description="Attributes; null removes.", examples=[{"onboarded": True}]
    )
    tags: TagChange = Field(TagChange(), description="Tags to put on and take off.")

    @model_validator(mode="after")
    def _said(self) -> SetChange:
        if not self.attributes and not self.tags.add and not self.tags.remove:
            raise ValueError("say what to set: attributes, tags or both")
        return self
