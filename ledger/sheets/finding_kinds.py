"""The kinds of findings in a sheet: codes are stable, sentences are not."""

from __future__ import annotations

from certledger.ledger.sheets.findings import FindingKind, Grade

_F, _Q, _N = Grade.FAULT, Grade.QUESTION, Grade.NOTE


def _kind(code: str, grade: Grade, zh: str, en: str) -> FindingKind:
    return FindingKind(code, grade, zh, en)


# The file ---------------------------------------------------------------------------------------

FILE_MISSING = _kind("sheet.file_missing", _F, "文件无法读取：{why}", "cannot be read: {why}")
FILE_KIND = _kind(
    "sheet.file_kind",
    _F,
    "{zh}；请用表格软件打开后另存为 .xlsx 或 CSV",
    "{en}; open it in a spreadsheet program and save it as .xlsx or CSV",
)
FILE_SIZE = _kind("sheet.file_size", _F, "文件过大：{what}，上限 {most}", "{what}, at most {most}")
FILE_NAME = _kind(
    "sheet.file_name",
    _N,
    "文件名后缀为 {suffix}，内容是 {kind}，按内容读取",
    "named {suffix}, but it is {kind}, and read so",
)
ENCODING = _kind(
    "sheet.encoding",
    _F,
    "第 {line} 行有字节 {byte}，不是 UTF-8，也不是 GB18030；请另存为 CSV UTF-8",
    "line {line}: byte {byte} is neither UTF-8 nor GB18030; save the file as CSV UTF-8",
)
ENCODING_MIXED = _kind(
    "sheet.encoding",
    _F,
    "文件大部分是 UTF-8，但第 {line} 行有字节 {byte} 不是；文件可能受损或由两种编码拼成",
    "mostly UTF-8, but byte {byte} in line {line} is not: damaged, or joined of two encodings",
)
ENCODING_DOUBTFUL = _kind(
    "sheet.encoding_doubtful",
    _Q,
    "按 GB18030 读取后有许多罕用字，例如“{sample}”；若读来不通，请另存为 CSV UTF-8",
    "read as GB18030 it has many rare characters, such as {sample!s}; if they make no sense, save"
    " the file as CSV UTF-8",
)
UNREADABLE = _kind("sheet.unreadable", _F, "无法读取：{why}", "cannot be read: {why}")
EMPTY = _kind("sheet.empty", _F, "没有任何证照行", "there is no row of a certificate")
NO_HEADER = _kind("sheet.empty", _F, "没有表头行", "there is no header")
TOO_MANY_ROWS = _kind(
    "sheet.too_many_rows",
    _F,
    "共 {count} 行，一批最多 {most} 行",
    "{count} rows, at most {most} are sealed as one batch",
)
WORKSHEET = _kind(
    "sheet.worksheet",
    _F,
    "没有名为“{name}”的工作表，现有：{names}",
    "there is no worksheet {name!r} among {names}",
)
WORKSHEET_LEFT_OUT = _kind(
    "sheet.worksheet_left_out",
    _N,
    "工作表“{name}”（{state_zh}）未读取",
    "worksheet {name} ({state_en}) is left out",
)

HEADER_NONE = _kind(
    "sheet.header",
    _F,
    "前 {count} 行中没有一行是表头；第一行是“{text}”，表头应如 {wanted}",
    "none of the first {count} rows is a header; the first says {text}, a header is like {wanted}",
)

# The header -------------------------------------------------------------------------------------

TITLE_LINE = _kind(
    "sheet.title_line", _N, "表头上方的标题行已略过：“{text}”", "title line passed over: {text}"
)
HEADER_AGAIN = _kind(
    "sheet.header_again", _N, "重复的表头行已略过", "a repeated header line is passed over"
)
HEADER_TWICE = _kind(
    "sheet.header",
    _F,
    "列“{name}”出现两次（{other}）",
    "{name} stands twice in the header (also {other})",
)
HEADER_UNNAMED = _kind(
    "sheet.header", _F, "第 {letter} 列没有表头却有内容", "column {letter} has no name"
)
HEADER_UNKNOWN = _kind(
    "sheet.header",
    _F,
    "表头“{name}”无法识别，最接近的是“{nearest}”；请改正表头，或删除该列",
    "{name!r} is no column; the nearest is {nearest!r}: correct the header or delete the column",
)
HEADER_AMBIGUOUS = _kind(
    "sheet.header",
    _F,
    "表头“{name}”可指 {candidates}；请写其中一个",
    "{name!r} may be any of {candidates}; write one of these",
)
COLUMN_UNKNOWN = _kind(
    "sheet.header",
    _F,
    "{name} 不是目录中任何类别的字段",
    "{name!r} is a field of no category in the catalog",
)
HEADER_SPELLING = _kind(
    "sheet.header_spelling",
    _Q,
    "表头“{name}”无法识别，最接近的是“{nearest}”，只差大小写、空格或符号；是否即指该列",
    "{name!r} is no column; the nearest is {nearest!r}, which differs in case, blanks or marks"
    " alone: is it meant",
)
COLUMN_LEFT_OUT = _kind(
    "sheet.column_left_out",
    _Q,
    "表头“{name}”不是任何字段，该列不会封存；是否如此",
    "{name!r} is no field, so the column would not be sealed: is that meant",
)
COLUMN_MISSING = _kind(
    "sheet.column_missing",
    _Q,
    "{category} 的字段“{label}”（{field}）没有对应的列；证书上将没有此项，是否如此",
    "no column for {field} ({label}) of {category}: are all certificates without it",
)
COLUMN_HIDDEN = _kind(
    "sheet.column_hidden",
    _F,
    "该列被隐藏，但有内容会封存；请取消隐藏或删除该列",
    "the column is hidden, and its values would be sealed: unhide or delete it",
)
COLUMNS_SWAPPED = _kind(
    "sheet.columns_swapped",
    _F,
    "“{name_column}”列中是号码 {number}，“{number_column}”列中却是 {name}：两列颠倒了",
    "{name_column} holds the number {number}, and {number_column} holds {name}: the columns are"
    " swapped",
)

# Rows -------------------------------------------------------------------------------------------

ROW_LENGTH = _kind(
    "sheet.row_length",
    _F,
    "本行有 {count} 格，表头只有 {wanted} 格",
    "{count} cells, where the header has {wanted}",
)
ROW_HIDDEN = _kind(
    "sheet.row_hidden",
    _F,
    "本行被隐藏或筛选掉，但有内容；请取消筛选或删除该行",
    "the row is hidden or filtered away, and has values: clear the filter, or delete the row",
)
ROW_TOTAL = _kind(
    "sheet.row_total",
    _Q,
    "本行像是合计或落款（“{text}”），不会封存；是否如此",
    "the row looks like a total or a footer ({text}) and would not be sealed: is that meant",
)
ROW_WITHOUT_FIELDS = _kind(
    "sheet.row_without_fields",
    _N,
    "本行只有不封存的列有内容，已略过",
    "the row has values in columns alone that are not sealed; it is passed over",
)

# Cells ------------------------------------------------------------------------------------------

CELL = _kind(
    "sheet.cell",
    _F,
    "{value} 既不是文本，也不是整数或文本列表",
    "{value!r} is neither text, nor an integer, nor a list of texts",
)
ENTRY = _kind("sheet.cell", _F, "目录条目无效：{why}", "{why}")
CELL_ERROR = _kind(
    "sheet.cell_error",
    _F,
    "单元格显示错误 {value}；请改正后再封存",
    "the cell shows the error {value}: correct it",
)
CELL_FORMULA = _kind(
    "sheet.cell_formula",
    _F,
    "公式没有存储结果；请用表格软件打开并保存一次",
    "the formula has no stored value: open and save the file in a spreadsheet program",
)
CELL_FORMULA_TEXT = _kind(
    "sheet.cell_formula",
    _F,
    "{value} 是公式，不是值；请写出它的结果",
    "{value} is a formula and no value: write its result",
)
CELL_BOOLEAN = _kind(
    "sheet.cell_boolean",
    _F,
    "单元格是逻辑值 {value}，不是文本；请设为文本格式后重新输入",
    "the cell holds the truth value {value} and no text: format it as text and type it again",
)
CELL_DITTO = _kind(
    "sheet.cell_ditto",
    _F,
    "{value} 要看上一行才明白；请写出内容本身",
    "{value} refers to the row above: write what is meant",
)
CELL_MERGED = _kind(
    "sheet.cell_merged",
    _F,
    "本格属于合并单元格 {range}，只有第一格有值",
    "the cell is part of the merged cells {range}, of which only the first has the value",
)
CELL_MERGED_SHARED = _kind(
    "sheet.cell_merged_shared",
    _Q,
    "合并单元格 {range} 显示 {shown}；其中各行是否都是此值",
    "the merged cells {range} show {shown}: do all of their rows share it",
)
CELL_SHOWN_DIFFERS = _kind(
    "sheet.cell_shown_differs",
    _Q,
    "单元格显示 {shown}，实际存储 {stored}；将按所见封存 {sealed}，是否如此",
    "the cell shows {shown} but holds {stored}; what is seen would be sealed, {sealed}: is it"
    " meant",
)
CELL_SHOWN_SHORT = _kind(
    "sheet.cell_shown_differs",
    _Q,
    "单元格显示 {shown}，实际存储 {stored}；将封存存储的值，是否如此",
    "the cell shows {shown} but holds {stored}, which would be sealed: is it meant",
)
CELL_NUMBER = _kind(
    "sheet.cell_number",
    _Q,
    "号码存为数字 {stored}，如有前导零已经丢失；将封存 {sealed}，是否如此",
    "the number is held as a numeral, {stored}, so leading zeros would be lost; {sealed} would be"
    " sealed: is it meant",
)
CELL_FORMAT = _kind(
    "sheet.cell_format",
    _F,
    "单元格存储 {stored}，其格式 {format} 的显示无法确定；请设为文本格式后重新输入",
    "the cell holds {stored}, and what its format {format} shows cannot be told: format it as text"
    " and type it again",
)
CELL_DATE = _kind(
    "sheet.cell_date",
    _F,
    "表格软件把内容变成了日期（显示 {shown}，存储 {stored}）；请设为文本格式后重新输入",
    "the spreadsheet program has made a date of it (shows {shown}, holds {stored}): format the cell"
    " as text and type it again",
)
DIGITS_LOST = _kind(
    "sheet.digits_lost",
    _F,
    "{value} 是丢失了位数的数字；请把列设为文本格式后重新填写完整号码",
    "{value} is a number that has lost digits: format the column as text and type it again in full",
)
DIGITS_ROUNDED = _kind(
    "sheet.digits_lost",
    _F,
    "{value} 末三位为零且校验码不符，是被表格软件四舍五入的号码；请重新填写",
    "{value} ends in three zeros and its check character is wrong: a spreadsheet program has"
    " rounded it; type it again as text",
)
DIGITS_DECIMAL = _kind(
    "sheet.digits_lost",
    _F,
    "{value} 带小数点，不是号码；请删去小数部分，并设为文本格式",
    "{value} has a decimal point, as a number and not an identifier has: format the column as text"
    " and remove it",
)
DIGITS_MAYBE_LOST = _kind(
    "sheet.digits_maybe_lost",
    _Q,
    "{value} 末三位为零，可能被表格软件四舍五入；号码是否确实如此",
    "{value} ends in three zeros, and a spreadsheet program may have rounded it: is it right",
)
IDENTITY_AS_NUMBER = _kind(
    "sheet.digits_lost",
    _F,
    "身份证号或代码存为 {count} 位数字 {value}，可能丢失位数；请设为文本格式后重新填写",
    "the identity number or code is held as a numeral of {count} digits, {value}, and may have lost"
    " some: format the cell as text and type it again",
)
SCIENTIFIC = _kind(
    "sheet.scientific",
    _Q,
    "{value} 是科学记数法，可能丢失位数；是否照此封存",
    "{value} is in scientific notation and may have lost digits: is it meant so",
)
BLANKS_DROPPED = _kind(
    "sheet.blanks_dropped", _N, "值两端的空白已去除", "blanks around the value are dropped"
)
NORMALISED = _kind(
    "sheet.normalised",
    _N,
    "{typed} 按 {sealed} 封存",
    "{typed} is sealed as {sealed}",
)

# Text -------------------------------------------------------------------------------------------

TEXT = _kind("text.refused", _F, "不可封存的文本：{why_zh}", "{why_en}")
TEXT_TOO_LONG = _kind(
    "sheet.too_long", _F, "共 {count} 个字符，最多 {most} 个", "{count} characters, at most {most}"
)
TEXT_REPLACEMENT = _kind(
    "text.replacement",
    _F,
    "{value} 中有替换符（U+FFFD），原字已丢失；请重新输入",
    "{value} has a replacement character (U+FFFD) in place of a lost one: type it again",
)
TEXT_PRIVATE = _kind(
    "text.private_use",
    _F,
    "{value} 中有自造字 U+{code}；请改用标准字{hint}",
    "{value} has the private-use character U+{code}: use the standard one{hint}",
)
TEXT_MOJIBAKE = _kind(
    "text.mojibake",
    _F,
    "{value} 是乱码，应为 {repaired}；请用正确的编码重新保存",
    "{value} is text read in a wrong encoding; it should read {repaired}: save it anew",
)
TEXT_ERROR = _kind(
    "sheet.cell_error",
    _F,
    "内容是错误或空值标记 {value}；请改正，或清空该格",
    "the cell says {value}, the mark of an error or of nothing: correct it, or leave it empty",
)
TEXT_INVISIBLE = _kind(
    "text.invisible",
    _Q,
    "{value} 中有看不见的字符 U+{code}；将去除后封存，是否如此",
    "{value} has the invisible character U+{code}, which would be removed: is that right",
)
TEXT_QUESTION_MARK = _kind(
    "text.question_mark",
    _Q,
    "{value} 中的问号可能是未能保存的生僻字；是否确为问号",
    "the question mark in {value} may be a character that was not saved: is it meant",
)
TEXT_INNER_BLANK = _kind(
    "text.inner_blank",
    _Q,
    "{value} 中的空白将去除，封存 {sealed}；是否如此",
    "the blank within {value} would be removed, and {sealed} sealed: is that right",
)
TEXT_APOSTROPHE = _kind(
    "text.apostrophe",
    _Q,
    "{value} 前的撇号将去除，封存 {sealed}；是否如此",
    "the apostrophe before {value} would be removed, and {sealed} sealed: is that right",
)
PLACEHOLDER = _kind(
    "sheet.placeholder",
    _Q,
    "{value} 像是占位符，而不是值；是否照此封存",
    "{value} looks like a placeholder and no value: is it meant so",
)

# Values -----------------------------------------------------------------------------------------

CATEGORY = _kind(
    "sheet.category",
    _F,
    "类别 {value} 不在本机构目录中；目录有：{known}",
    "{value!r} is not in the body's catalog, which has {known}",
)
CATEGORY_MISSING = _kind("sheet.category", _F, "没有写类别", "none is named")
FIELD_MISSING = _kind(
    "sheet.field_missing",
    _F,
    "{field}（{label}）必须填写",
    "{field} of {category} must be shown, so it must be there",
)
NUMBER_MISSING = _kind(
    "sheet.field_missing", _F, "证书编号没有填写", "certificate_number is missing"
)
FIELD_EMPTY = _kind(
    "sheet.field_empty",
    _Q,
    "本行没有{label}，其他行有；是否如此",
    "the row has no {field}, which other rows have: is that meant",
)
FIELD_UNKNOWN = _kind(
    "sheet.field_unknown",
    _F,
    "{category} 没有字段 {field}",
    "{category} has no field {field!r}",
)
NUMBER = _kind("number.invalid", _F, "编号 {value} 无效：{why}", "{value!r}: {why}")
IDENTITY = _kind(
    "identity.invalid",
    _F,
    "{value} 不是公民身份号码（GB 11643）：{why_zh}",
    "{value} is no resident identity number (GB 11643): {why_en}",
)
IDENTITY_OLD = _kind(
    "identity.old_form",
    _Q,
    "{value} 是十五位的旧身份证号；是否照此封存",
    "{value} is an identity number in the old form of 15 digits: is it meant",
)
IDENTITY_OTHER = _kind(
    "identity.other_document",
    _Q,
    "{value} 不是公民身份号码，像是护照或通行证号；是否照此封存",
    "{value} is no resident identity number but looks like that of a passport or permit: is it"
    " meant",
)
IDENTITY_BIRTH = _kind(
    "identity.birth_differs",
    _Q,
    "身份证号中的出生日期是 {inside}，“{field}”却是 {value}；是否不是同一人",
    "the identity number says born {inside}, {field} says {value}: are these two persons",
)
IDENTITY_SEX = _kind(
    "identity.sex_differs",
    _Q,
    "身份证号表示{inside}性，“{field}”却是 {value}；是否不是同一人",
    "the identity number is that of a {inside_en} person, {field} says {value}: are these two"
    " persons",
)
USCC = _kind(
    "uscc.invalid",
    _F,
    "{value} 不是统一社会信用代码（GB 32100）：{why_zh}",
    "{value} is no unified social credit code (GB 32100): {why_en}",
)
USCC_OLD = _kind(
    "uscc.old_form",
    _Q,
    "{value} 是旧的注册号或组织机构代码，不是统一社会信用代码；是否照此封存",
    "{value} is an old registration number or organization code and no unified social credit code:"
    " is it meant",
)
USCC_INNER = _kind(
    "uscc.organization_check",
    _Q,
    "{value} 第 9 至 17 位的组织机构代码校验码不符（GB 11714）；代码是否确实如此",
    "the organization code in places 9 to 17 of {value} has another check character (GB 11714): is"
    " the code right",
)
USCC_PREFIX = _kind(
    "uscc.prefix",
    _Q,
    "{value} 开头的登记管理部门和机构类别 {prefix} 未知；代码是否确实如此",
    "no registering department and kind {prefix} is known, as {value} has it: is the code right",
)
IDENTIFIER = _kind(
    "certificate_identifier.invalid",
    _Q,
    "{value} 不合电子证照标识（GB/T 36904）：{why}；是否照此封存",
    "{value} is no certificate identifier (GB/T 36904): {why}; is it meant",
)
IDENTIFIER_CHECK = _kind(
    "certificate_identifier.check",
    _Q,
    "电子证照标识 {value} 的校验位不符（GB/T 36904）；是否照此封存",
    "the check character of the certificate identifier {value} is wrong (GB/T 36904): is it meant",
)
NAME_IS_NUMBER = _kind(
    "name.invalid", _F, "名称 {value} 是号码，不是名称", "{value} is a number and no name"
)
NAME_IS_DATE = _kind(
    "name.invalid", _F, "名称 {value} 是日期，不是名称", "{value} is a day and no name"
)
NAME_WITHOUT_LETTERS = _kind(
    "name.invalid", _F, "名称 {value} 中没有文字", "{value} has no letter, so it is no name"
)
NUMERAL = _kind(
    "sheet.numeral",
    _Q,
    "{value} 不是单纯的数字；是否照此封存",
    "{value} is no plain number: is it meant so",
)

# Dates ------------------------------------------------------------------------------------------

DATE = _kind(
    "sheet.date",
    _F,
    "{value} 不是 2026-11-24 这样的日期",
    "{value!r} is no day like 2026-11-24",
)
DATE_IMPOSSIBLE = _kind("sheet.date", _F, "没有 {value} 这一天", "there is no day {value}")
DATE_AMBIGUOUS = _kind(
    "sheet.date",
    _F,
    "{value} 的年、月、日分不清；请写成 2026-11-24 的形式",
    "year, month and day of {value} cannot be told apart: write it like 2026-11-24",
)
DATE_PARTIAL = _kind(
    "sheet.date",
    _F,
    "{value} 只有年或年月；请写出日，如 2026-11-24",
    "{value} is no whole day: write it like 2026-11-24",
)
DATE_ZONE = _kind(
    "sheet.date",
    _F,
    "{value} 带有时区，是哪一天分不清；请只写日期，如 2026-11-24",
    "{value} has a time zone, so the day cannot be told: write the day alone, like 2026-11-24",
)
DATE_NO_END = _kind(
    "sheet.date",
    _F,
    "写了 {value}，但 {category} 有效期最长 {months} 个月；请写到期日",
    "says {value}, but {category} expires after {months} months at most: write the day",
)
DATE_SERIAL = _kind(
    "sheet.date_serial",
    _Q,
    "{value} 像是日期的序列号，即 {sealed}；是否如此",
    "{value} looks like the serial number of a day, {sealed}: is it meant",
)
DATE_SHOWN_PARTLY = _kind(
    "sheet.date_shown_partly",
    _Q,
    "单元格只显示 {shown}，存储的是 {sealed}，将封存后者；是否如此",
    "the cell shows {shown} alone and holds {sealed}, which would be sealed: is it meant",
)
DATE_TIME = _kind(
    "sheet.date_time", _N, "{value} 中的时刻不封存", "the time of day in {value} is not sealed"
)
DATE_TEXT = _kind(
    "sheet.date_text",
    _Q,
    "{value} 不是日期，将照原文封存；是否如此",
    "{value} is no day and would be sealed as it is: is that meant",
)
DATE_MISSING = _kind("sheet.date_missing", _F, "没有写签发日期", "the day of issue is missing")
DATE_END_MISSING = _kind(
    "sheet.date_missing",
    _F,
    "{category} 有效期最长 {months} 个月，须写到期日",
    "{category} expires after {months} months at most",
)
DATE_DIFFERS = _kind(
    "sheet.date_differs",
    _F,
    "{value}，而 {field} 是 {other}",
    "{value!r}, but {field} is {other!r}",
)
DATE_FUTURE = _kind(
    "sheet.date_future",
    _Q,
    "签发日期 {value} 在今天（{today}）之后；是否如此",
    "issued {value}, after today ({today}): is it meant",
)
DATE_LONG_AGO = _kind(
    "sheet.date_long_ago",
    _Q,
    "签发日期 {value} 在一百年以前；是否如此",
    "issued {value}, a hundred years ago or more: is it meant",
)
DATE_FAR = _kind(
    "sheet.date_far",
    _Q,
    "到期日 {value} 在一百年以后；是否如此",
    "expires {value}, a hundred years from now or more: is it meant",
)
DATES_REVERSED = _kind(
    "record.dates",
    _F,
    "到期日 {expires} 早于签发日期 {issued}",
    "expires {expires} before issued {issued}",
)
VALIDITY = _kind(
    "entitlement.validity_too_long",
    _F,
    "到期日 {expires}，目录只允许到 {latest}",
    "expires {expires}, the catalog allows no later than {latest}",
)
BIRTH_AFTER = _kind(
    "sheet.date_future",
    _Q,
    "{field} {value} 在签发日期 {issued} 之后；是否如此",
    "{field} {value} is after the day of issue {issued}: is it meant",
)

# Issuer, editions, holder -----------------------------------------------------------------------

BODY_DIFFERS = _kind(
    "sheet.body_differs",
    _F,
    "{value}，但本机构登记为 {name}",
    "{value!r}, but the body is registered as {name!r}",
)
NUMBER_BOTH = _kind(
    "number.invalid",
    _F,
    "编号在 certificate_number 列中也有",
    "the number stands in certificate_number too",
)
EDITION_TWICE = _kind(
    "edition.twice",
    _F,
    "{category} {number} 已签发过（第 {index} 号）；换发须在 replaces 列写明",
    "{category} {number} is issued already, as certificate {index}; a new edition names it in"
    " replaces",
)
EDITION_TWICE_HERE = _kind(
    "edition.twice_in_sheet",
    _F,
    "编号 {number} 在本表第 {first} 行和第 {row} 行重复",
    "{number} stands in rows {first} and {row} of this sheet",
)
EDITION_REPLACES_NOTHING = _kind(
    "edition.replaces_nothing",
    _F,
    "{category} {number} 没有可替换的版本 {value}{newest}",
    "{category} {number} has no edition {value!r} to replace{newest}",
)
HOLDER_KEY = _kind("holder_key.invalid", _F, "持有人公钥无效：{why}", "{why}")

# Documents --------------------------------------------------------------------------------------

DOCUMENT_NAME = _kind("document.name", _F, "文件名无效：{why}", "{why}")
DOCUMENT_MISSING = _kind("document.missing", _F, "文件无法读取：{why}", "{why}")
DOCUMENT_EMPTY = _kind("document.empty", _F, "文件 {name} 是空的", "the document {name} is empty")
DOCUMENT_NO_PDF = _kind(
    "document.no_pdf",
    _Q,
    "文件 {name} 名为 PDF，内容却不是；是否照此封存",
    "the document {name} is named PDF, but is none: is it meant",
)
DOCUMENT_SHARED = _kind(
    "document.shared",
    _Q,
    "文件 {name} 已用于第 {first} 行；两份证书是否共用",
    "the document {name} is that of row {first} too: do the certificates share it",
)
DOCUMENT_SAME = _kind(
    "document.same_content",
    _Q,
    "文件 {name} 与第 {first} 行的 {other} 内容相同；是否如此",
    "the document {name} has the same content as {other} of row {first}: is it meant",
)
DOCUMENT_UNNAMED = _kind(
    "document.unnamed",
    _Q,
    "文件夹中的 {name} 没有任何一行提到；是否不封存",
    "no row names {name}, which is in the folder: is it to be left out",
)
TOO_MANY_DIGESTS = _kind(
    "record.too_many_digests",
    _F,
    "字段、持有人公钥和文件共 {count} 项，最多 {most} 项",
    "fields, holder key and documents are {count}, at most {most}",
)

ALL = tuple(value for value in list(vars().values()) if isinstance(value, FindingKind))
"""Every kind, in the order above."""
