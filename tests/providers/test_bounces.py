"""What a refusal says about whom."""

from __future__ import annotations

import pytest

from nurture.core.event import BounceClass
from nurture.providers.bounces import Stage, by_reply, by_status

HARD, SOFT, POLICY, CONTENT = BounceClass.HARD, BounceClass.SOFT, BounceClass.POLICY, BounceClass.CONTENT


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("5.1.1", HARD), ("5.1.2", HARD), ("5.1.3", HARD), ("5.1.6", HARD), ("5.1.10", HARD), ("5.2.1", HARD),
        ("5.2.2", SOFT), ("5.3.2", SOFT), ("5.4.4", SOFT), ("5.2.3", CONTENT), ("5.3.4", CONTENT),
        ("5.6.1", CONTENT), ("5.7.1", POLICY), ("5.7.26", POLICY), ("5.7.515", POLICY), ("5.1.8", POLICY),
        ("5.5.1", POLICY), ("5.0.0", None), ("5.1.0", None), ("4.7.1", None), ("", None), ("5.1", None),
    ],
)  # fmt: skip
def test_an_enhanced_code_tells_the_class(status: str, expected: BounceClass | None) -> None:
    assert by_status(status) is expected


@pytest.mark.parametrize(
    ("code", "text", "stage", "expected"),
    [
        (550, "5.1.1 user unknown", Stage.RECIPIENT, HARD),
        (550, "5.7.1 user unknown", Stage.RECIPIENT, POLICY),
        (550, "no such user here", Stage.RECIPIENT, HARD),
        (550, "Blocked by our RBL", Stage.RECIPIENT, POLICY),
        (553, "sorry, that domain isn't in my list of allowed rcpthosts", Stage.RECIPIENT, POLICY),
        (550, "relaying to 10.5.1.1 refused", Stage.RECIPIENT, POLICY),
        (550, "no such user here", Stage.CONTENT, POLICY),
        (550, "sender refused", Stage.SENDER, POLICY),
        (552, "mailbox full", Stage.RECIPIENT, SOFT),
        (552, "too large", Stage.SENDER, CONTENT),
        (554, "5.3.4 message too big", Stage.CONTENT, CONTENT),
        (554, "transaction failed", Stage.RECIPIENT, POLICY),
        (556, "domain takes no mail", Stage.RECIPIENT, HARD),
        (550, "5.0.0 nobody of that name", Stage.RECIPIENT, HARD),
    ],
)
def test_a_reply_is_judged_by_its_enhanced_code_then_by_where_it_came(
    code: int, text: str, stage: Stage, expected: BounceClass
) -> None:
    assert by_reply(code, text, stage) is expected
