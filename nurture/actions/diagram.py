"""The picture of one campaign, from its file alone or with everybody who is in it."""

from __future__ import annotations

from nurture.actions.picture import Picture, pictures
from nurture.core.errors import NotFound
from nurture.core.program import Program
from nurture.files.nearest import did_you_mean
from nurture.store import pages, trials
from nurture.store.database import Database


def diagram(program: Program, campaign: str, database: Database | None = None) -> Picture:
    """The picture of a campaign of the program; people are counted where a database is given.

    Raises NotFound where the program has no such campaign.
    """
    if campaign not in program.courses:
        raise NotFound(f"there is no campaign '{campaign}' that can run; {did_you_mean(campaign, program.courses)}")
    if database is None:
        drawn = pictures(program, None, None, {})
    else:
        with database.read() as connection:
            drawn = pictures(program, pages.standings(connection), pages.sent(connection), {}, trials.every(connection))
    return next(one for one in drawn if one.campaign.name == campaign)
