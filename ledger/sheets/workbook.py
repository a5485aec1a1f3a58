"""Workbooks in XLSX: which worksheet is read, shared texts, and the formats of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.archive import Archive, open_archive
from certledger.ledger.sheets.colours import read_theme
from certledger.ledger.sheets.findings import Findings
from certledger.ledger.sheets.grid import Grid, GridRow
from certledger.ledger.sheets.shared_texts import SharedTexts, read_shared_texts
from certledger.ledger.sheets.styles import Styles, read_styles
from certledger.ledger.sheets.worksheet import read_worksheet

MAX_WORKSHEETS_NAMED = 50
_STATES = {
    "visible": ("可见", "visible"), "hidden": ("隐藏", "hidden"),
    "veryHidden": ("深度隐藏", "very hidden"),
}  # fmt: skip


@dataclass(kw_only=True, slots=True)
class _Listed:
    """A worksheet as the workbook lists it."""

    name: str
    part: str
    state: str


@dataclass(kw_only=True, slots=True)
class _Contents:
    """What the workbook's own part says."""

    sheets: list[_Listed] = field(default_factory=list)
    active: int = 0
    since_1904: bool = False
    is_manual: bool = False


@dataclass(kw_only=True, slots=True)
class Workbook:
    """A workbook whose shared parts are read once for all of its worksheets."""

    archive: Archive
    contents: _Contents
    shared: SharedTexts
    styles: Styles

    def read(self, findings: Findings, tab: str | None) -> Grid:
        """Return the cells of worksheet `tab`, or of the active visible one.

        Raises:
            SheetInvalidError: no such worksheet, or the parts inflate to too much.
        """
        self.archive.findings = findings
        chosen = _choose(self.contents, findings, tab)
        findings.worksheet = chosen.name
        _note_left_out(self.contents.sheets, chosen, findings)
        return read_worksheet(
            self.archive,
            chosen.part,
            name=chosen.name,
            shared=self.shared,
            styles=self.styles,
            since_1904=self.contents.since_1904,
            is_manual=self.contents.is_manual,
        )


@contextmanager
def open_workbook(
    data: bytes, findings: Findings, *, most: int | None = None
) -> Iterator[Workbook]:
    """Open a workbook, all parts of which may inflate to `most` bytes (else to 512 MB).

    Raises:
        SheetInvalidError: no workbook, or it inflates to too much.
    """
    with open_archive(data, findings, most) as archive:
        part = _main_part(archive)
        contents = _contents(archive, part)
        relations = archive.relations(part).values()
        targets = {kind: archive.find(target) for kind, target in relations}
        theme = read_theme(archive, targets.get("theme"))
        yield Workbook(
            archive=archive,
            contents=contents,
            shared=read_shared_texts(archive, targets.get("sharedStrings")),
            styles=read_styles(archive, targets.get("styles"), theme),
        )


def read_workbook(data: bytes, findings: Findings, tab: str | None) -> Grid:
    """Return the cells of worksheet `tab`, or of the active visible one, read row by row.

    Raises:
        SheetInvalidError: no workbook, no such worksheet, or it inflates to too much; the latter
            also while rows are read.
    """
    with ExitStack() as stack:
        workbook = stack.enter_context(open_workbook(data, findings))
        grid = workbook.read(findings, tab)
        grid.rows = _closing(grid.rows, stack.pop_all())
        return grid


def _closing(rows: Iterable[GridRow], stack: ExitStack) -> Iterator[GridRow]:
    """Yield rows, then close what they were read from."""
    with stack:
        yield from rows


def find_worksheet(archive: Archive, tab: str | None) -> str:
    """Return the part of worksheet `tab`, or of the active visible one.

    Raises:
        SheetInvalidError: as `read_workbook`.
    """
    return _choose(_contents(archive, _main_part(archive)), archive.findings, tab).part


def _main_part(archive: Archive) -> str:
    for kind, target in archive.relations("").values():
        if kind == "officeDocument" and (found := archive.find(target)):
            return found
    if found := archive.find("xl/workbook.xml"):
        return found
    raise archive.findings.fail(kinds.UNREADABLE, why="not an XLSX file: no workbook in it")


def _contents(archive: Archive, part: str) -> _Contents:
    relations = archive.relations(part)
    contents = _Contents()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            identity = next((text for name, text in attributes.items() if name.endswith(":id")), "")
            kind, target = relations.get(identity, ("", ""))
            contents.sheets.append(
                _Listed(
                    name=attributes.get("name", ""),
                    part=(archive.find(target) or "") if kind == "worksheet" else "",
                    state=attributes.get("state", "visible"),
                )
            )
        elif tag == "workbookView" and attributes.get("activeTab", "0").isdecimal():
            contents.active = int(attributes.get("activeTab", "0")[:6])
        elif tag == "calcPr":
            contents.is_manual = attributes.get("calcMode") == "manual"
        elif tag == "workbookPr":
            contents.since_1904 = attributes.get("date1904", "0") in ("1", "true", "on")

    archive.parse(part, start)
    return contents


def _choose(contents: _Contents, findings: Findings, tab: str | None) -> _Listed:
    """Return the worksheet asked for, else the active one, else the first visible one."""
    sheets = [sheet for sheet in contents.sheets if sheet.part]
    if tab is not None:
        wanted = [sheet for sheet in sheets if sheet.name == tab]
    else:
        active = contents.sheets[contents.active : contents.active + 1]
        wanted = [sheet for sheet in (*active, *sheets) if sheet.part and sheet.state == "visible"]
    if not wanted:
        names = ", ".join(sheet.name for sheet in sheets[:MAX_WORKSHEETS_NAMED])
        raise findings.fail(kinds.WORKSHEET, name=tab or "", names=names)
    return wanted[0]


def _note_left_out(sheets: Sequence[_Listed], chosen: _Listed, findings: Findings) -> None:
    for sheet in sheets[:MAX_WORKSHEETS_NAMED]:
        if sheet is not chosen:
            zh, en = _STATES.get(sheet.state, _STATES["visible"])
            findings.report(kinds.WORKSHEET_LEFT_OUT, name=sheet.name, state_zh=zh, state_en=en)
