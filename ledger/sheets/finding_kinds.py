"""The kinds of findings about the form of a sheet: codes are stable, sentences are not."""

from __future__ import annotations

from certledger.ledger.sheets.findings import FindingKind, Grade

_F, _Q, _N = Grade.FAULT, Grade.QUESTION, Grade.NOTE


def kind(code: str, grade: Grade, zh: str, en: str) -> FindingKind:
    """Return a kind of finding; its sentences are in Chinese and English."""
    return FindingKind(code, grade, zh, en)


# The file ---------------------------------------------------------------------------------------

FILE_MISSING = kind("sheet.file_missing", _F, "文件无法读取：{why}", "cannot be read: {why}")
FILE_KIND = kind(
    "sheet.file_kind",
    _F,
    "{zh}；请用表格软件打开后另存为 .xlsx 或 CSV",
    "{en}; open it in a spreadsheet program and save it as .xlsx or CSV",
)
FILE_SIZE = kind("sheet.file_size", _F, "文件过大：{what}，上限 {most}", "{what}, at most {most}")
FILE_NAME = kind(
    "sheet.file_name",
    _N,
    "文件名后缀为 {suffix}，内容是 {kind}，按内容读取",
    "named {suffix}, but it is {kind}, and read so",
)
ENCODING = kind(
    "sheet.encoding",
    _F,
    "第 {line} 行有字节 {byte}，不是 UTF-8，也不是 GB18030；请另存为 CSV UTF-8",
    "line {line}: byte {byte} is neither UTF-8 nor GB18030; save the file as CSV UTF-8",
)
ENCODING_MIXED = kind(
    "sheet.encoding",
    _F,
    "文件大部分是 UTF-8，但第 {line} 行有字节 {byte} 不是；文件可能受损或由两种编码拼成",
    "mostly UTF-8, but byte {byte} in line {line} is not: damaged, or joined of two encodings",
)
ENCODING_DOUBTFUL = kind(
    "sheet.encoding_doubtful",
    _Q,
    "按 GB18030 读取后有许多罕用字，例如“{sample}”；若读来不通，请另存为 CSV UTF-8",
    "read as GB18030 it has many rare characters, such as {sample!s}; if they make no sense, save"
    " the file as CSV UTF-8",
)
ENCODING_EITHER = kind(
    "sheet.encoding_doubtful",
    _Q,
    "按 UTF-8 读取；按 GB18030 读取则有“{sample}”，若应如此，请另存为 CSV UTF-8",
    "read as UTF-8; as GB18030 it would have {sample!s}: if that is meant, save the file as CSV"
    " UTF-8",
)
UNREADABLE = kind("sheet.unreadable", _F, "无法读取：{why}", "cannot be read: {why}")
EMPTY = kind("sheet.empty", _F, "没有任何证照行", "there is no row of a certificate")
NO_HEADER = kind("sheet.empty", _F, "没有表头行", "there is no header")
TOO_MANY_ROWS = kind(
    "sheet.too_many_rows",
    _F,
    "共 {count} 行，一批最多 {most} 行",
    "{count} rows, at most {most} are sealed as one batch",
)
WORKSHEET = kind(
    "sheet.worksheet",
    _F,
    "没有名为“{name}”的工作表，现有：{names}",
    "there is no worksheet {name!r} among {names}",
)
WORKSHEET_LEFT_OUT = kind(
    "sheet.worksheet_left_out",
    _N,
    "工作表“{name}”（{state_zh}）未读取",
    "worksheet {name} ({state_en}) is left out",
)

HEADER_NONE = kind(
    "sheet.header",
    _F,
    "前 {count} 行中没有一行是表头；第一行是“{text}”，表头应如 {wanted}",
    "none of the first {count} rows is a header; the first says {text}, a header is like {wanted}",
)

# The header -------------------------------------------------------------------------------------

TITLE_LINE = kind(
    "sheet.title_line", _N, "表头上方的标题行已略过：“{text}”", "title line passed over: {text}"
)
HEADER_AGAIN = kind(
    "sheet.header_again", _N, "重复的表头行已略过", "a repeated header line is passed over"
)
HEADER_TWICE = kind(
    "sheet.header",
    _F,
    "列“{name}”出现两次（{other}）",
    "{name} stands twice in the header (also {other})",
)
HEADER_UNNAMED = kind(
    "sheet.header", _F, "第 {letter} 列没有表头却有内容", "column {letter} has no name"
)
HEADER_UNKNOWN = kind(
    "sheet.header",
    _F,
    "表头“{name}”无法识别，最接近的是“{nearest}”；请改正表头，或删除该列",
    "{name!r} is no column; the nearest is {nearest!r}: correct the header or delete the column",
)
HEADER_AMBIGUOUS = kind(
    "sheet.header",
    _F,
    "表头“{name}”可指 {candidates}；请写其中一个",
    "{name!r} may be any of {candidates}; write one of these",
)
COLUMN_UNKNOWN = kind(
    "sheet.header",
    _F,
    "{name} 不是目录中任何类别的字段",
    "{name!r} is a field of no category in the catalog",
)
HEADER_SPELLING = kind(
    "sheet.header_spelling",
    _Q,
    "表头“{name}”无法识别，最接近的是“{nearest}”，只差大小写、空格或符号；是否即指该列",
    "{name!r} is no column; the nearest is {nearest!r}, which differs in case, blanks or marks"
    " alone: is it meant",
)
COLUMN_LEFT_OUT = kind(
    "sheet.column_left_out",
    _Q,
    "表头“{name}”不是任何字段，该列不会封存；是否如此",
    "{name!r} is no field, so the column would not be sealed: is that meant",
)
COLUMN_MISSING = kind(
    "sheet.column_missing",
    _Q,
    "{category} 的字段“{label}”（{field}）没有对应的列；证书上将没有此项，是否如此",
    "no column for {field} ({label}) of {category}: are all certificates without it",
)
COLUMN_HIDDEN = kind(
    "sheet.column_hidden",
    _F,
    "该列被隐藏，但有内容会封存；请取消隐藏或删除该列",
    "the column is hidden, and its values would be sealed: unhide or delete it",
)
COLUMNS_SWAPPED = kind(
    "sheet.columns_swapped",
    _F,
    "“{name_column}”列中是号码 {number}，“{number_column}”列中却是 {name}：两列颠倒了",
    "{name_column} holds the number {number}, and {number_column} holds {name}: the columns are"
    " swapped",
)
CELLS_MISPLACED = kind(
    "sheet.cells_misplaced",
    _Q,
    "“{value}”在其他行属于“{label}”列，本行该列却是“{other}”；两格是否放错",
    "other rows have {value!r} in {field}, where this row has {other!r}: do the cells stand in the"
    " wrong places",
)

# Rows -------------------------------------------------------------------------------------------

ROW_LENGTH = kind(
    "sheet.row_length",
    _F,
    "本行有 {count} 格，表头只有 {wanted} 格",
    "{count} cells, where the header has {wanted}",
)
ROW_HIDDEN = kind(
    "sheet.row_hidden",
    _F,
    "本行被隐藏或筛选掉，但有内容；请取消筛选或删除该行",
    "the row is hidden or filtered away, and has values: clear the filter, or delete the row",
)
ROW_TOTAL = kind(
    "sheet.row_total",
    _Q,
    "本行像是合计或落款（“{text}”），不会封存；是否如此",
    "the row looks like a total or a footer ({text}) and would not be sealed: is that meant",
)
ROW_WITHOUT_FIELDS = kind(
    "sheet.row_without_fields",
    _N,
    "本行只有不封存的列有内容，已略过",
    "the row has values in columns alone that are not sealed; it is passed over",
)

# Cells ------------------------------------------------------------------------------------------

CELL = kind(
    "sheet.cell",
    _F,
    "{value} 既不是文本，也不是整数或文本列表",
    "{value!r} is neither text, nor an integer, nor a list of texts",
)
ENTRY = kind("sheet.cell", _F, "目录条目无效：{why}", "{why}")
CELL_ERROR = kind(
    "sheet.cell_error",
    _F,
    "单元格显示错误 {value}；请改正后再封存",
    "the cell shows the error {value}: correct it",
)
CELL_FORMULA = kind(
    "sheet.cell_formula",
    _F,
    "公式没有存储结果；请用表格软件打开并保存一次",
    "the formula has no stored value: open and save the file in a spreadsheet program",
)
CELL_FORMULA_TEXT = kind(
    "sheet.cell_formula",
    _F,
    "{value} 是公式，不是值；请写出它的结果",
    "{value} is a formula and no value: write its result",
)
CELL_BOOLEAN = kind(
    "sheet.cell_boolean",
    _F,
    "单元格是逻辑值 {value}，不是文本；请设为文本格式后重新输入",
    "the cell holds the truth value {value} and no text: format it as text and type it again",
)
CELL_STRUCK = kind(
    "sheet.cell_struck",
    _Q,
    "单元格“{shown}”带有删除线，将照样封存；是否如此",
    "the cell {shown} is struck through, in whole or in part, and would be sealed: is it meant",
)
CELL_UNSEEN = kind(
    "sheet.cell_unseen",
    _F,
    "单元格“{shown}”看不见（字的颜色与底色相同，或字号太小，或零值不显示），却会封存；请改正格式或清空",
    "the cell {shown} cannot be seen (its colour is that of its background, its font is tiny, or"
    " zeros are not shown), and would be sealed: correct its format or empty it",
)
CELL_RAISED = kind(
    "sheet.cell_look",
    _Q,
    "单元格“{shown}”中有上标或下标，封存时不保留；是否如此",
    "the cell {shown} has superscript or subscript, which would be sealed as common characters: is"
    " it meant",
)
CELL_SYMBOL = kind(
    "sheet.cell_look",
    _Q,
    "单元格“{shown}”用符号字体显示为其他字符；将封存“{shown}”，是否如此",
    "the cell {shown} is in a font of symbols, which shows other characters; {shown} would be"
    " sealed: is it meant",
)
CELL_REPEATED = kind(
    "sheet.cell_look",
    _Q,
    "单元格“{shown}”的对齐方式是填充，内容会重复显示；将封存一次，是否如此",
    "the cell {shown} is aligned so that it is shown again and again, and would be sealed once: is"
    " it meant",
)
CELL_VOLATILE = kind(
    "sheet.cell_volatile",
    _Q,
    "公式的结果随打开时间变化或须手动重算；将封存上次保存的 {shown}，是否如此",
    "the formula gives another value when it is computed anew, as TODAY() does; what was saved last"
    " would be sealed, {shown}: is it meant",
)
CELL_CONDITIONAL = kind(
    "sheet.cell_conditional",
    _Q,
    "{range} 的条件格式可能隐藏、划去或改变单元格显示的内容；将封存存储的值，是否如此",
    "a conditional format of {range} may hide, strike or change what the cells show; what they hold"
    " would be sealed: is it meant",
)
CELL_COMMENT = kind(
    "sheet.cell_comment",
    _Q,
    "单元格有批注“{text}”，批注不封存；本行是否仍要封存",
    "the cell has the comment {text!r}, which is not sealed: is the row to be sealed all the same",
)
CELL_DITTO = kind(
    "sheet.cell_ditto",
    _F,
    "{value} 要看上一行才明白；请写出内容本身",
    "{value} refers to the row above: write what is meant",
)
CELL_MERGED = kind(
    "sheet.cell_merged",
    _F,
    "本格属于合并单元格 {range}，只有第一格有值",
    "the cell is part of the merged cells {range}, of which only the first has the value",
)
CELL_MERGED_SHARED = kind(
    "sheet.cell_merged_shared",
    _Q,
    "合并单元格 {range} 显示 {shown}；其中各行是否都是此值",
    "the merged cells {range} show {shown}: do all of their rows share it",
)
CELL_SHOWN_DIFFERS = kind(
    "sheet.cell_shown_differs",
    _Q,
    "单元格显示 {shown}，实际存储 {stored}；将按所见封存 {sealed}，是否如此",
    "the cell shows {shown} but holds {stored}; what is seen would be sealed, {sealed}: is it"
    " meant",
)
CELL_SHOWN_SHORT = kind(
    "sheet.cell_shown_differs",
    _Q,
    "单元格显示 {shown}，实际存储 {stored}；将封存存储的值，是否如此",
    "the cell shows {shown} but holds {stored}, which would be sealed: is it meant",
)
CELL_NUMBER = kind(
    "sheet.cell_number",
    _Q,
    "号码存为数字 {stored}，如有前导零已经丢失；将封存 {sealed}，是否如此",
    "the number is held as a numeral, {stored}, so leading zeros would be lost; {sealed} would be"
    " sealed: is it meant",
)
CELL_FORMAT = kind(
    "sheet.cell_format",
    _F,
    "单元格存储 {stored}，其格式 {format} 的显示无法确定；请设为文本格式后重新输入",
    "the cell holds {stored}, and what its format {format} shows cannot be told: format it as text"
    " and type it again",
)
CELL_DATE = kind(
    "sheet.cell_date",
    _F,
    "表格软件把内容变成了日期（显示 {shown}，存储 {stored}）；请设为文本格式后重新输入",
    "the spreadsheet program has made a date of it (shows {shown}, holds {stored}): format the cell"
    " as text and type it again",
)
DIGITS_LOST = kind(
    "sheet.digits_lost",
    _F,
    "{value} 是丢失了位数的数字；请把列设为文本格式后重新填写完整号码",
    "{value} is a number that has lost digits: format the column as text and type it again in full",
)
DIGITS_ROUNDED = kind(
    "sheet.digits_lost",
    _F,
    "{value} 末三位为零且校验码不符，是被表格软件四舍五入的号码；请重新填写",
    "{value} ends in three zeros and its check character is wrong: a spreadsheet program has"
    " rounded it; type it again as text",
)
DIGITS_DECIMAL = kind(
    "sheet.digits_lost",
    _F,
    "{value} 带小数点，不是号码；请删去小数部分，并设为文本格式",
    "{value} has a decimal point, as a number and not an identifier has: format the column as text"
    " and remove it",
)
DIGITS_MAYBE_LOST = kind(
    "sheet.digits_maybe_lost",
    _Q,
    "{value} 末三位为零，可能被表格软件四舍五入；号码是否确实如此",
    "{value} ends in three zeros, and a spreadsheet program may have rounded it: is it right",
)
IDENTITY_AS_NUMBER = kind(
    "sheet.digits_lost",
    _F,
    "身份证号或代码存为 {count} 位数字 {value}，可能丢失位数；请设为文本格式后重新填写",
    "the identity number or code is held as a numeral of {count} digits, {value}, and may have lost"
    " some: format the cell as text and type it again",
)
SCIENTIFIC = kind(
    "sheet.scientific",
    _Q,
    "{value} 是科学记数法，可能丢失位数；是否照此封存",
    "{value} is in scientific notation and may have lost digits: is it meant so",
)
BLANKS_DROPPED = kind(
    "sheet.blanks_dropped", _N, "值两端的空白已去除", "blanks around the value are dropped"
)
NORMALISED = kind(
    "sheet.normalised",
    _N,
    "{typed} 按 {sealed} 封存",
    "{typed} is sealed as {sealed}",
)

ALL = tuple(value for value in list(vars().values()) if isinstance(value, FindingKind))
"""Every kind, in the order above."""
