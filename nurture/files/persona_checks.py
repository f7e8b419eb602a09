"""What must be so in personas.yaml beyond the shape of its values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nurture.files.findings import Finding, Scene
from nurture.files.known import known_currency, known_locale
from nurture.files.nearest import nearest

Rule = Callable[[Scene], Iterator[Finding]]


def _each(scene: Scene) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Every persona that is one, with its path."""
    personas = scene.data.get("personas")
    for name, persona in (personas if isinstance(personas, dict) else {}).items():
        if isinstance(persona, dict):
            yield ("personas", name), persona


def locales(scene: Scene) -> Iterator[Finding]:
    """Their languages exist."""
    for path, persona in _each(scene):
        yield from known_locale((*path, "locale"), persona.get("locale"))


def currencies(scene: Scene) -> Iterator[Finding]:
    """What they paid in exists."""
    for path, persona in _each(scene):
        bought = persona.get("last_purchase")
        total = bought.get("total") if isinstance(bought, dict) else None
        if isinstance(total, str):
            yield from known_currency((*path, "last_purchase", "total"), total[-3:])


def events(scene: Scene) -> Iterator[Finding]:
    """An event that no campaign lets people in on, and that is spelled like one on which one does."""
    for path, persona in _each(scene):
        told = persona.get("events")
        for name in told if isinstance(told, dict) else {}:
            best = nearest(name, scene.events) if name not in scene.events else None
            if best:
                message = f"no campaign lets people in on '{name}'"
                place = (*path, "events", name)
                yield Finding(place, "unknown-event", message, f"did you mean '{best}'?", "warning", at_key=True)


RULES: tuple[Rule, ...] = (locales, currencies, events)
