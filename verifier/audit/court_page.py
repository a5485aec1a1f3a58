"""The report for a court as one page that prints on A4; made from its document alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Any

import orjson

from certledger.verifier.audit.court_report import (
    CLOSING,
    OPENING,
    AuditReportUnusableError,
    meaning_of,
    parse_report,
)
from certledger.verifier.audit.court_words import METHOD, TEXT, WORDS
from certledger.verifier.audit.meanings import CONSEQUENCES, MEANINGS, SEVERITY_LABEL
from certledger.verifier.files import read_file
from certledger.verifier.formats.canonical_json import parse_time
from certledger.verifier.plain_text import plain_lines, plain_text

_CHINA = timedelta(hours=8)


MAX_REPORT_BYTES = 64 << 20


def read_report(path: Path) -> dict[str, Any]:
    """Read a report's page, or its JSON; a page must show what its document says, to the byte.

    Raises:
        AuditReportUnusableError: it is none, was changed, or another version wrote the page.
    """
    data = read_file(path, MAX_REPORT_BYTES)
    document = parse_report(data, path)
    if OPENING.encode() in data and data != format_page(document).encode():
        raise AuditReportUnusableError(f"{path} shows other text than its data says")
    return document


def format_page(document: Mapping[str, Any]) -> str:
    """Return the page of a report's document."""
    return _Page(document).format()


class _Page:
    """The page in the document's language."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document, self._place = document, int(document["language"] == "en")
        self._result = document["result"]
        self._names = {one["issuer"]: one["name"] for one in document["issuers"]}

    def format(self) -> str:
        # Inside a script element only `<` could end it.
        data = orjson.dumps(self._document, option=orjson.OPT_SORT_KEYS).decode()
        return _PAGE.substitute(
            lang=("zh-CN", "en")[self._place],
            title=self._say("title"),
            verdict=self._result["verdict"],
            outcome=self._say(self._result["verdict"]),
            digest=self._document["digest"],
            digest_label=self._say("digest"),
            body="".join(self._sections()),
            data=f"{OPENING}{data.replace('<', chr(92) + 'u003c')}{CLOSING}",
        )

    def _say(self, text: str, /, **values: object) -> str:
        shown = {
            name: plain_text(value) if isinstance(value, str) else value
            for name, value in values.items()
        }
        return escape(TEXT[text][self._place].format(**shown))

    def _word(self, name: str) -> str:
        plain = name.replace("_", " ")
        return escape(plain if self._place else WORDS.get(name, plain))

    def _time(self, text: str) -> str:
        moment = datetime.fromtimestamp(parse_time(text), UTC) + _CHINA
        return f"{moment:%Y-%m-%d %H:%M:%S} UTC+8 ({escape(text)})"

    # Sections -----------------------------------------------------------------------------------

    def _sections(self) -> Iterator[str]:
        yield self._section("examined", _table(self._examined()))
        yield self._section("how", _table(self._done_by()) + self._method())
        counts = ((self._word(name), f"{n:,}") for name, n in self._result["counts"].items())
        yield self._section("counts", f'<div class="counts">{_table(counts)}</div>')
        yield self._section("issuers", self._issuers())
        for title, kind in (("found", "faults"), ("gaps", "incomplete"), ("notes", "findings")):
            touched = self._document["touched"][kind]
            listed = list(zip(self._result[kind], touched, strict=True))
            yield self._section(
                title, "".join(self._groups(listed)) or f"<p>{self._say('none')}</p>"
            )
        yield self._section("repeat", self._repeat())

    def _section(self, title: str, body: str) -> str:
        return f"<section><h2>{self._say(title)}</h2>{body}</section>"

    def _examined(self) -> Iterator[tuple[str, str]]:
        document, ledger, as_of = self._document, self._result["ledger"], self._result["as_of"]
        yield self._say("ledger"), _shown(ledger["name"])
        yield self._say("identity"), _code(ledger["identity"])
        yield self._say("contract"), _code(ledger["address"])
        yield self._say("chain"), str(ledger["chain_id"])
        yield self._say("genesis"), _code(document["genesis"])
        yield self._say("deployment"), _code(document["deployment"])
        if as_of is not None:
            first, last = document["first_block"], as_of["block"]
            yield self._say("blocks"), f"{first} {self._say('to')} {last}"
            yield self._say("block_hash"), _code(as_of["hash"])
            yield self._say("block_time"), self._time(as_of["time"])
        yield from self._policy(document["policy"])
        yield self._say("node"), _shown(document["node"])
        yield self._say("data"), _shown(document["data"])

    def _policy(self, policy: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
        if policy is None:
            yield self._say("policy"), self._say("no_policy")
            return
        text = self._say("policy_text", version=policy["version"], ends=policy["ends"])
        yield self._say("policy"), text
        words = f"{_code(policy['fingerprint'])}<br>{escape(policy['words'])}"
        yield self._say("fingerprint"), words
        operators = ", ".join(policy["operators"])
        threshold = policy["threshold"]
        yield (
            self._say("witnesses"),
            self._say("witnesses_text", operators=operators, threshold=threshold),
        )

    def _done_by(self) -> Iterator[tuple[str, str]]:
        document = self._document
        tool = document["tool"]
        yield self._say("auditor"), _shown(document["auditor"])
        yield self._say("tool"), escape(f"{tool['name']} {tool['version']}")
        yield self._say("began"), self._time(document["began"])
        yield self._say("ended"), self._time(document["ended"])

    def _method(self) -> str:
        return f"<ol>{''.join(f'<li>{escape(line[self._place])}</li>' for line in METHOD)}</ol>"

    def _issuers(self) -> str:
        names = ("code", "name", "kind", "standing", "batches", "certificates")
        head = "".join(f"<th>{self._say(name)}</th>" for name in names)
        rows = "".join(
            f"<tr><td>{_code(one['issuer'])}</td><td>{self._name(one['issuer'])}</td>"
            f"<td>{self._word(one['kind'])}</td><td>{self._word(one['standing'])}"
            f"{self._say('held') if one['held'] else ''}</td>"
            f'<td class="n">{one["batches"]:,}</td><td class="n">{one["certificates"]:,}</td></tr>'
            for one in self._document["issuers"]
        )
        return f'<table class="list"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'

    def _name(self, issuer: str) -> str:
        name = self._names.get(issuer)
        return self._say("unknown_name") if name is None else _shown(name)

    def _repeat(self) -> str:
        document = self._document
        signed = "".join(
            f"<div><span></span>{self._say(name)}</div>" for name in ("signature", "date")
        )
        return (
            f"<p>{self._say('repeat_text')}</p><pre>{_shown(document['command'])}</pre>"
            f"<p>{self._say('digest')}{self._say('colon')}{_code(document['digest'])}</p>"
            f'<p class="small">{self._say("digest_text")}</p><div class="sign">{signed}</div>'
        )

    # Findings -----------------------------------------------------------------------------------

    def _groups(self, listed: Sequence[tuple[Mapping[str, Any], Any]]) -> Iterator[str]:
        """Yield an article for each code, with each finding of it."""
        counts = Counter(one["code"] for one, _ in listed)
        for number, (code, found) in enumerate(groupby(listed, lambda pair: pair[0]["code"]), 1):
            meaning = MEANINGS[code]
            total, most = self._result["found"].get(code, counts[code]), counts[code]
            more = f"<p>{self._say('more', count=total, listed=most)}</p>" if total > most else ""
            rows = (
                (self._say("severity"), SEVERITY_LABEL[meaning.severity][self._place]),
                (self._say("follows"), escape(CONSEQUENCES[meaning.consequence][self._place])),
            )
            sentence = escape(meaning_of(code, self._document["language"]))
            yield (
                f'<article class="{meaning.severity}"><h3>{number}. {sentence}'
                f" <code>{escape(code)}</code></h3>{_table(rows)}{more}"
                f"{''.join(self._finding(one, touched) for one, touched in found)}</article>"
            )

    def _finding(self, one: Mapping[str, Any], touched: Any) -> str:
        rows = [
            (self._say("place"), _code(one["where"])),
            (self._say("detail"), _shown(one["detail"])),
            (self._say("touches"), self._touched(touched)),
        ]
        if one["evidence"]:
            shown = orjson.dumps(
                one["evidence"], option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
            ).decode()
            rows.append((self._say("evidence"), f"<pre>{escape(plain_lines(shown))}</pre>"))
        return f'<div class="one">{_table(rows)}</div>'

    def _touched(self, touched: Any) -> str:
        if touched == "all":
            return self._say("all")
        if touched == "none":
            return self._say("no_certificates")
        if isinstance(touched, dict):
            return self._say("file", **touched)
        parts = []
        for one in touched:
            name = self._names.get(one["issuer"]) or one["issuer"]
            kind = "one" if one["first"] == one["last"] else "range"
            parts.append(self._say(kind, name=name, first=one["first"], last=one["last"]))
        return "<br>".join(parts)


def _code(text: str) -> str:
    return f"<code>{_shown(text)}</code>"


def _shown(text: str) -> str:
    """Return text that others wrote: no markup, and nothing that reorders what stands after it."""
    return escape(plain_text(text))


def _table(rows: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>"


_PAGE = Template("""<!doctype html>
<html lang="$lang"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
@page { size: A4; margin: 20mm 18mm 22mm;
  @bottom-left { content: "$digest"; font: 6.5pt monospace; color: #555 }
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif } }
:root { --line: #999; --good: #137a3b; --bad: #b3261e; --open: #8a5a00 }
* { box-sizing: border-box }
body { font: 10.5pt/1.5 "Source Han Sans SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif;
  color: #111; background: #fff; max-width: 174mm; margin: 12mm auto; padding: 0 4mm }
h1 { font-size: 18pt; text-align: center; margin: 0 0 6mm }
h2 { font-size: 12.5pt; border-bottom: .5pt solid var(--line); margin: 7mm 0 2mm;
  break-after: avoid }
h3 { font-size: 10.5pt; margin: 0 0 1.5mm; break-after: avoid }
.outcome { border: 1.5pt solid var(--open); padding: 3mm 5mm; text-align: center;
  font-size: 14pt; font-weight: bold }
.clean .outcome { border-color: var(--good) } .faults .outcome { border-color: var(--bad) }
.outcome small { display: block; font-size: 8pt; font-weight: normal; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .8mm 2mm .8mm 0; font-weight: normal }
th { width: 36mm; color: #444 } td { overflow-wrap: anywhere }
.list th { width: auto; border-bottom: .5pt solid var(--line) }
.list td { border-bottom: .25pt solid #ccc } .list tr { break-inside: avoid }
.n, .counts td { text-align: right; font-variant-numeric: tabular-nums }
.counts { columns: 2; column-gap: 12mm } .counts tr { break-inside: avoid }
ol { margin: 2mm 0; padding-left: 6mm } li { margin: .5mm 0 }
article { border-left: 2pt solid var(--line); padding-left: 4mm; margin: 4mm 0 }
article.grave { border-color: var(--bad) } article.serious { border-color: var(--open) }
.one { border-top: .25pt solid #ccc; margin-top: 2mm; padding-top: 1mm }
code, pre { font: 8pt/1.4 "DejaVu Sans Mono", Consolas, monospace }
h3 code { color: #555; font-weight: normal }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f4f4f4; padding: 2mm;
  margin: 1mm 0; -webkit-print-color-adjust: exact; print-color-adjust: exact }
.small { font-size: 8.5pt; color: #444 }
.sign { display: flex; gap: 15mm; margin-top: 18mm; break-inside: avoid }
.sign div { flex: 1 } .sign span { display: block; border-top: .75pt solid #111 }
@media print { body { margin: 0; padding: 0; max-width: none } }
</style></head>
<body class="$verdict"><h1>$title</h1>
<p class="outcome">$outcome<small>$digest_label $digest</small></p>
$body
$data
</body></html>
""")
