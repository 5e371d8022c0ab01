"""Bad commits that were tried and that no gate stops yet. Each names the gate that should: an honest list of what is not guarded.

A row that is stopped one day moves to `bad.py`; `python -m release.commits --unanswered` says which.
"""

from __future__ import annotations

from release.commits.bad import COMMITS as STOPPED
from release.commits.commit import Commit, Edit

_MESSAGE, _FIELD = (
    next(commit for commit in STOPPED if commit.name == name) for name in ("message-needs-a-new-field", "field-renamed")
)

COMMITS: tuple[Commit, ...] = (
    Commit(
        "test-excused",
        "Skip a test that disturbs, with a reason",
        "As without a reason: what the test held is held by nobody, and every report is green.",
        (
            Edit(
                "system/shop/tests/unit/test_rules.py",
                "def test_the_shop_knows_exactly_the_published_statuses(",
                '@pytest.mark.skip(reason="disturbs, look into it on Monday")\n'
                "def test_the_shop_knows_exactly_the_published_statuses(",
            ),
        ),
        stopped_by="unit",
        because="skip",
    ),
    Commit(
        "message-frozen-anew",
        _MESSAGE.says,
        _MESSAGE.effect,
        (
            *_MESSAGE.changes,
            Edit(
                "contracts/messages/crm.order_rejected.v1/examples/typical.json",
                '    "rejected_at": "2026-11-20T11:00:00Z"\n',
                '    "rejected_at": "2026-11-20T11:00:00Z",\n    "version": 4\n',
            ),
        ),
        stopped_by="contracts",
        because="required",
        freezes_contracts=True,
        note="The frozen contract is compared with the code, and not with the one that was frozen before.",
    ),
    Commit(
        "field-renamed-and-frozen",
        _FIELD.says,
        _FIELD.effect,
        _FIELD.changes,
        stopped_by="contracts",
        because="rework_count",
        freezes_contracts=True,
        note="As for messages: within a version nothing may go, and nothing looks at what went.",
    ),
)
