"""Where answers to emails arrive: a mailbox that nurture reads."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from nurture.core.condition import Closed
from nurture.core.values import Whole

PASSWORD = "NURTURE_IMAP_PASSWORD"
"""The variable the mailbox's password stands in."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Imap(Closed):
    """A folder on an IMAP server; the password stands in NURTURE_IMAP_PASSWORD. Nothing in it is changed."""

    host: str = Field(pattern=r"^[A-Za-z0-9.:-]+$", description="The server.", examples=["imap.acme.example"])
    user: str = Field(pattern=r"^[ -~]+$", description="Who logs in.", examples=["care@acme.example"])
    folder: str = Field(
        "INBOX", pattern=r"^[ -~]+$", description="The folder, as the server spells it.", examples=["INBOX"]
    )
    tls: Literal["implicit", "starttls", "none"] = Field(
        "implicit", description="How the connection is secured; `none` is for this machine only."
    )
    port: Whole | None = Field(
        None, ge=1, le=65535, description="Another port than 993, or 143 where TLS is not implicit.", examples=[993]
    )

    @property
    def reached_at(self) -> int:
        """The port."""
        return self.port or (993 if self.tls == "implicit" else 143)

    @model_validator(mode="after")
    def _safe(self) -> Imap:
        if self.tls == "none" and self.host not in LOOPBACK:
            raise ValueError("the password would travel unencrypted; say tls: implicit or tls: starttls")
        return self


class Replies(Closed):
    """The mailbox in which answers, bounces and complaints arrive. One of the two keys."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    maildir: str | None = Field(
        None,
        min_length=1,
        description="A Maildir on this machine, from the project's folder; what was read moves from new/ to cur/.",
        examples=["/var/mail/vhosts/acme.example/care"],
    )
    imap: Imap | None = Field(
        None,
        description="A folder on an IMAP server.",
        examples=[{"host": "imap.acme.example", "user": "care@acme.example"}],
    )

    @model_validator(mode="after")
    def _one(self) -> Replies:
        if (self.maildir is None) == (self.imap is None):
            raise ValueError("say where mail arrives: maildir or imap, one of them")
        return self
