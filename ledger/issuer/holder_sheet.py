"""A holder's printable sheet: number, access code, short link and full code, on A4."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

from certledger.ledger.reference_data.fields import label_en, label_zh
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.holder_file import Holding
from certledger.verifier.formats.record import NUMBER, normal_number, printed_code
from certledger.verifier.formats.short_link import ShortLink

MAX_CODE_CHARACTERS = 2_000
"""Characters of a full code that is printed, on 72 mm; a longer one is left out."""
_STYLE = (
    "@page{size:A4;margin:18mm}*{box-sizing:border-box}body{font:11pt/1.5 'Noto Sans CJK SC','Noto "
    "Sans SC','Microsoft YaHei','PingFang SC',sans-serif;color:#1f2430;max-width:174mm;margin:0 aut"
    "o;padding:8mm 0}h1{font-size:17pt;margin:0;color:#1e3a5f}p{margin:.4em 0}small,.en{color:#5a64"
    "70;font-size:8.5pt}table{border-collapse:collapse;width:100%;margin:5mm 0}th,td{border-bottom:"
    ".3mm solid #d5dae1;padding:1.6mm 2mm;text-align:left;vertical-align:top;overflow-wrap:anywhere"
    "}th{width:46mm;font-weight:normal;color:#1e3a5f}.code{font:600 15pt/1.3 ui-monospace,Consolas,"
    "monospace;letter-spacing:.06em}.codes{display:flex;gap:10mm;align-items:flex-start;flex-wrap:w"
    "rap}.codes figure{margin:0}.codes svg{width:38mm;height:38mm;display:block}.codes .full svg{wi"
    "dth:72mm;height:72mm}figcaption{font-size:8.5pt;max-width:72mm;margin-top:1mm}.link{overflow-w"
    "rap:anywhere;font-size:8pt}@media screen{body{background:#fff;padding:8mm}}@media print{body{p"
    "adding:0}figure,tr{break-inside:avoid}}"
)
_HINTS = (
    (
        "手机扫描短码，打开查验页面。编号和查验码只在您的手机中处理。",
        "Scan the short code with a phone to open the page that verifies this certificate.",
    ),
    (
        "窗口扫描全码，不联网也可查验；它显示签发时必须出示的内容。",
        "A counter scans the full code and verifies it without a network.",
    ),
    (
        "请像保管证书一样保管本页：凭编号和查验码可以查验证书。",
        "Keep this page as you keep the certificate: number and access code open it.",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class HolderSheet:
    """What is printed for a holder; `full_code` is empty where it is too long to be printed."""

    title_zh: str
    title_en: str
    issuer: str
    number: str
    code: str
    link: str
    full_code: str
    fields: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, holding: Holding, evidence: Evidence, address: str) -> HolderSheet:
        """Return the sheet of a certificate; `evidence` has the fields that must be shown.

        Raises:
            LinkImpossibleError: `address`, the service's, is none that a short link can have.
        """
        first = holding.disclosures[0]
        number, entry = str(first.value), evidence.catalog.entry
        link = ShortLink(number=normal_number(number), code=first.salt).format(address)
        identity = parse_note(evidence.checkpoint).checkpoint.identity
        full = Compact.of(identity, evidence.record, evidence.path, evidence.disclosures).format()
        return cls(
            title_zh=entry.name_zh,
            title_en=entry.name_en,
            issuer=evidence.issuer.name,
            number=number,
            code=printed_code(first.salt),
            link=link,
            full_code=full if len(full) <= MAX_CODE_CHARACTERS else "",
            fields=[
                (part.name, part.value)
                for part in holding.disclosures
                if isinstance(part.value, str) and part.name != NUMBER
            ],
        )

    def to_html(self) -> str:
        """Return the page, which prints on one or two sheets of A4; it needs no other file."""
        rows = [("证书编号", "Number", self.number)]
        rows += [(label_zh(name), label_en(name), value) for name, value in self.fields]
        table = "".join(
            f"<tr><th>{_text(zh)}<br><span class='en'>{_text(en)}</span></th>"
            f"<td>{_text(value)}</td></tr>"
            for zh, en, value in rows
        )
        hints = "".join(
            f"<p>{_text(zh)}<br><small lang='en'>{_text(en)}</small></p>" for zh, en in _HINTS
        )
        return (
            f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>'
            f"{_text(self.title_zh)} {_text(self.number)}</title><style>{_STYLE}</style></head>"
            f"<body><h1>{_text(self.title_zh)}</h1><p class='en' lang='en'>{_text(self.title_en)}"
            f"</p><p>{_text(self.issuer)}</p><table>{table}</table>"
            f"<p>查验码 <span class='en'>Access code</span><br><span class='code'>"
            f"{_text(self.code)}</span></p><div class='codes'>{self._figures()}</div>"
            f"<p class='link'>{_text(self.link)}</p>{hints}</body></html>\n"
        )

    def _figures(self) -> str:
        figures = [_figure("short", "短码：手机查验 / Short code", self.link, "m")]
        if self.full_code:
            figures.append(_figure("full", "全码：窗口查验 / Full code", self.full_code, "l"))
        return "".join(figures)


def _figure(kind: str, caption: str, text: str, level: str) -> str:
    import segno

    picture = io.BytesIO()
    code = segno.make(text, error=level, boost_error=False, micro=False)
    code.save(picture, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=4)
    svg = picture.getvalue().decode().strip()
    return f"<figure class='{kind}'>{svg}<figcaption>{_text(caption)}</figcaption></figure>"


def _text(text: str) -> str:
    return html.escape(text)
