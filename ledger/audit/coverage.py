"""The columns that the audit does not compare, and why.

`make crimes` edits every column and deletes a row of every table, and expects the audit to report
it unless it is listed here; `docs/audit.md` shows the same list.
"""

from __future__ import annotations

from collections.abc import Mapping

ROWS = "(a row deleted)"
"""In place of a column: a deleted row of the table."""
ALL = "*"
"""In place of a column: every column of the table, and its rows."""

_OWN_WORK = "the service's own work list: it says nothing of a certificate"

NOT_COVERED: Mapping[str, Mapping[str, str]] = {
    "acts": {
        "state": "`included` and `final` are compared up to the newest checkpoint kept; rejections"
        " are judged on the state at their block",
        "reason": "of an act that waits it is the worker's own note, worked out anew in every"
        " round; of a rejected one it is compared",
    },
    "blocks": {
        ROWS: "blocks in which nothing was said are kept or not, as the follower came by",
    },
    "transactions": {
        "signed": "when a transaction was signed stands nowhere else; fees are raised by it",
        "state": "the worker's view of its own transactions; what they carried is compared",
        "block": "compared where a transaction carried an act that is final, and says so itself",
        ROWS: "anybody may carry an act, so its transaction need not be one of ours",
    },
    "carriages": {
        ROWS: "only of acts that are final; before, the next step sends them again",
    },
    "database_identity": {
        ALL: "an audit refuses a database that names another ledger (exit 3); without a name its"
        " acts show it; the rest is the digest of a secret"
    },
    "reorganisations": {ALL: "an alarm of the follower's; the blocks themselves are compared"},
    "leases": {ALL: "whose turn it is now; a lease runs out within two minutes"},
    "api_keys": {ALL: "who may ask is the operator's to say, and no verdict rests on it"},
    "idempotency": {
        ALL: "answers to repeated requests, dropped after a day; receipts are compared"
    },
    "presentations": {
        ALL: "digests of presentations that were accepted, dropped when they are old"
    },
    "verifications": {
        "party": "who is behind a key is for the operator to say; the key itself is in the receipt",
    },
    "hooks": {ALL: "where callers want to be called is theirs to say"},
    "watches": {
        "caller": "who wants to hear of a certificate is the caller's to say",
        "status": "what the caller heard last; what is so stands on the chain",
        "created": "when a caller began to watch stands nowhere else",
        "block": "at which checkpoint the caller heard it; what is so stands on the chain",
        ROWS: "a caller may end a watch at any time",
    },
    "events": {ALL: f"{_OWN_WORK}; what is so stands on the chain, and evidence shows it"},
    "deliveries": {ALL: _OWN_WORK},
}


def reason(table: str, column: str) -> str | None:
    """Return why a column, or `ROWS`, of a table is not compared; None if it is."""
    listed = NOT_COVERED.get(table, {})
    return listed.get(column) or listed.get(ALL)


def describe() -> str:
    """Return the list as the Markdown table of `docs/audit.md`."""
    lines = ["| table | column | why not |", "|---|---|---|"]
    lines += [
        f"| `{table}` | {'all' if column == ALL else column if column == ROWS else f'`{column}`'}"
        f" | {why} |"
        for table, columns in NOT_COVERED.items()
        for column, why in columns.items()
    ]
    return "\n".join(lines)
