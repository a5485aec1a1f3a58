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

_OWN_WORK = "the service's own work list, not evidence of a certificate"

NOT_COVERED: Mapping[str, Mapping[str, str]] = {
    "acts": {
        "state": "`included` and `final` are compared up to the newest stored checkpoint;"
        " rejections are judged on the state at their block",
        "reason": "of a waiting act it is the worker's own note, computed again in every"
        " round; of a rejected one it is compared",
    },
    "blocks": {
        ROWS: "blocks without events may be stored or not",
    },
    "transactions": {
        "signed": "no other source has the time of signing, by which fees are raised",
        "state": "the worker's view of its own transactions; the acts in them are compared",
        "block": "compared if the transaction included a final act and is marked so",
        ROWS: "anyone may send an act, so its transaction need not be one of ours",
    },
    "carriages": {
        ROWS: "only of acts that are final; before, the next step sends them again",
    },
    "database_identity": {
        ALL: "an audit refuses a database that names another ledger (exit 3); without a name its"
        " acts show it; the rest is the digest of a secret"
    },
    "reorganisations": {ALL: "an alarm of the follower; the blocks themselves are compared"},
    "leases": {ALL: "the current holders; a lease ends within two minutes"},
    "api_keys": {ALL: "the operator decides who may ask; no verdict depends on it"},
    "idempotency": {
        ALL: "answers to repeated requests, dropped after a day; receipts are compared"
    },
    "presentations": {
        ALL: "digests of presentations that were accepted, dropped when they are old"
    },
    "verifications": {
        "party": "the operator decides who owns a key; the key itself is in the receipt",
    },
    "hooks": {ALL: "callers decide where they are called"},
    "watches": {
        "caller": "callers decide what they watch",
        "status": "the last status sent; the chain has the true one",
        "created": "no other source has this time",
        "block": "the checkpoint of the last event; the chain has the true status",
        ROWS: "a caller may delete a watch at any time",
    },
    "events": {ALL: f"{_OWN_WORK}; the chain has the true status, and evidence proves it"},
    "deliveries": {ALL: _OWN_WORK},
    "book_editions": {
        ALL: "content and digest are compared whenever an edition is read (`book.damaged`); its"
        " record, which names the digest, is compared with the chain"
    },
    "coverage_days": {ALL: "figures of past days; no other source has them"},
    "decisions": {ALL: "found by their records, which are compared with the chain"},
    "decision_leaves": {ALL: "the leaves stand in the records, which are compared with the chain"},
    "samples": {
        ALL: "a sample's record is compared with the chain, and whoever has the file draws again"
    },
    "page_sessions": {ALL: "who is signed in to pages now; nothing is proved by it"},
    "proposals": {ALL: "unfinished acts; the contract takes none before all have signed"},
    "cases": {ALL: f"{_OWN_WORK}; the chain has the true status"},
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
