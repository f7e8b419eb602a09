"""The API described in OpenAPI 3.1, made from the fields the imports read."""

from __future__ import annotations

from typing import Any

from nurture import __version__
from nurture.actions.import_events import NAMES
from nurture.actions.intake import KINDS, MOST_ROWS, Kind
from nurture.core.event import BounceClass, SuppressionReason
from nurture.core.lifecycle import Stage

Schema = dict[str, Any]


def _text(description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, **more}


EMAIL = _text("The person's address.", examples=["ada@example.com"])
TIME = _text(
    "When it happened: ISO 8601; without an offset in the project's timezone. The future is refused.",
    examples=["2026-11-21T10:00:00+03:00"],
)
SWITCH: Schema = {"type": ["boolean", "string"]}
AMOUNT: Schema = {
    "type": ["string", "number"], "examples": ["1450.00"],
    "description": "In major units; as text no digit is lost. A negative one is a refund.",
}  # fmt: skip
REF = _text("By whom they came, where the project has `referral`: the code their link brought, or an address.")
ITEMS: Schema = {
    "type": "array", "items": {"type": "object", "additionalProperties": True},
    "description": "What was bought: objects with a name, a quantity, a price and whatever else emails should show.",
}  # fmt: skip
TAGS: Schema = {
    "type": ["string", "array"],
    "items": {"type": "string"},
    "description": "Tags to put on; none is taken off.",
}
CONTACT_ID = _text("The contact by nurture's own id, instead of an address.", pattern="^[0-9a-f]{32}$")

FIELDS: dict[str, dict[str, Schema]] = {
    "contacts": {
        "email": EMAIL,
        "first_name": _text("First name."),
        "last_name": _text("Last name."),
        "name": _text("Both names in one, where they are not known apart."),
        "locale": _text("Language, as BCP 47 writes it.", examples=["tr", "en-GB"]),
        "timezone": _text("Timezone.", examples=["Europe/Istanbul"]),
        "country": _text("Country (ISO 3166-1), two letters.", examples=["TR"]),
        "source": _text("Where the contact comes from.", examples=["newsletter"]),
        "signed_up_at": _text("When the person signed up: ISO 8601, not in the future."),
        "stage": _text("The stage, where the sender knows it.", enum=[stage.value for stage in Stage]),
        "customer_since": _text("When a customer last bought: ISO 8601."),
        "tags": TAGS,
        "consent": SWITCH | {"description": "yes, no, or the topics consented to; said without topics, all are meant."},
        "consent_topics": {**TAGS, "description": "Topics of the project the consent is about."},
        "consent_source": _text("Where consent was given.", examples=["checkout"]),
        "consent_at": _text("When consent was given or withdrawn; the newest word counts."),
        "account": _text("The organisation the person buys for, by its name.", examples=["Acme Ltd"]),
        "account_owner": _text("Who of us looks after that account."),
        "account_owner_address": _text("The owner's email address."),
        "tracking": SWITCH | {"description": "no: this person's opens and clicks are not measured."},
        "ref": REF,
    },
    "purchases": {
        "order_id": _text("The order's id; it counts once in the whole project."),
        "email": EMAIL,
        "contact_id": CONTACT_ID,
        "amount": AMOUNT,
        "currency": _text("ISO 4217; else the project's.", examples=["EUR"]),
        "at": TIME,
        "items": ITEMS,
        "coupon": _text("The coupon code it was made with."),
        "ref": REF,
        "type": _text("What the row is.", enum=["purchase", "refund"]),
        "refund_of": _text("The order that is given back, in part or whole."),
        "refund_id": _text("The refund's own id, so that it counts once."),
    },
    "events": {
        "kind": _text("What happened; or the name of an event of your own.", examples=[*NAMES, "checkout_started"]),
        "email": EMAIL,
        "contact_id": CONTACT_ID,
        "message_id": _text("The email it is about, by nurture's id.", pattern="^[0-9a-f]{32}$"),
        "at": TIME,
        "url": _text("The link that was clicked."),
        "user_agent": _text("The browser; with it, machines are told from people by nurture's own rules."),
        "name": _text("The form's name."),
        "bounce": _text("What a bounce says about whom.", enum=[one.value for one in BounceClass]),
        "topic": _text("The one topic an unsubscribe is about."),
    },
    "suppressions": {
        "email": _text("The address that must not be mailed."),
        "reason": _text("Why.", enum=[one.value for one in SuppressionReason]),
        "at": TIME | {"description": "Since when: ISO 8601; now, if unsaid."},
        "source": _text("Who says so."),
    },
}  # fmt: skip
"""What each field of the imports is; their own columns stand beside them."""

NEEDED = {
    "contacts": ["email"], "purchases": ["at"], "events": ["kind", "at"], "suppressions": ["email"],
}  # fmt: skip
DOES = {
    "contacts": "Make contacts known, or say something new about known ones. Other fields become attributes.",
    "purchases": "Tell purchases and refunds. An address that is nobody's yet becomes a contact.",
    "events": "Tell what contacts did elsewhere, or what became of their emails. Other fields are kept with the event.",
    "suppressions": "Name addresses that must not be mailed from now on, whether or not they are anybody's yet.",
}
ABOUT = "Rows in, as `nurture import` takes them from files. Sending the same rows again changes nothing."
MADE = "`nurture keys add NAME` makes one."
COUNT: Schema = {"type": "integer", "minimum": 0}


def describe() -> Schema:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nurture", "version": __version__,
            "description": ABOUT,
        },
        "security": [{"key": []}],
        "paths": {
            **{f"/api/{name}": {"post": _operation(name)} for name in KINDS},
            "/api/openapi.json": {"get": {
                "operationId": "describe", "summary": "This description", "security": [],
                "responses": {"200": {"description": "OpenAPI 3.1.", "content": {"application/json": {}}}},
            }},
        },
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": MADE}},
            "schemas": {
                **{name: _row(name, kind) for name, kind in KINDS.items()}, "taken": _taken(), "problem": _problem(),
            },
        },
    }  # fmt: skip


def _operation(name: str) -> Schema:
    row = {"$ref": f"#/components/schemas/{name}"}
    body = {"anyOf": [row, {"type": "array", "items": row, "minItems": 1, "maxItems": MOST_ROWS}]}
    taken, problem = _json("taken", "application/json"), _json("problem", "application/problem+json")
    refused = {
        "400": "The body is not JSON.", "401": "No key, or one that opens nothing.",
        "403": f"The key may not bring in {name}.", "408": "The body did not arrive in time.",
        "413": "The body is too large.", "415": "The body is not called application/json.",
        "429": "Too many requests of this key; Retry-After says when to come again.",
        "503": "The project runs nothing yet.",
    }  # fmt: skip
    return {
        "operationId": name,
        "summary": DOES[name],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {"description": "At least one row is in; `results` tells of each.", **taken},
            "422": {"description": "No row could be used, or the body has another shape.", "content": {
                **taken["content"], **problem["content"],
            }},
            **{code: {"description": text, **problem} for code, text in refused.items()},
        },
    }  # fmt: skip


def _json(schema: str, media: str) -> Schema:
    return {"content": {media: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def _row(name: str, kind: Kind) -> Schema:
    fields = {field: FIELDS[name][field] for field in kind.fields}
    return {"type": "object", "properties": fields, "required": NEEDED[name], "additionalProperties": True}


def _taken() -> Schema:
    result = {
        "type": "object", "required": ["row", "ok"],
        "properties": {
            "row": {**COUNT, "description": "The row's place in the request, from 0."},
            "ok": {"type": "boolean"},
            "reason": _text("Why the row was refused."),
        },
    }  # fmt: skip
    counts = {"rows": {**COUNT, "description": "Rows that could be used."}, "rejected": COUNT}
    return {
        "type": "object", "required": ["rows", "rejected", "results"],
        "properties": {**counts, "results": {"type": "array", "items": result}}, "additionalProperties": COUNT,
    }  # fmt: skip


def _problem() -> Schema:
    return {
        "type": "object", "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "detail": _text("What to do."),
        },
    }  # fmt: skip
