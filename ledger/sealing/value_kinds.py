"""The kinds of findings about values: text, codes, names, numbers, days, editions, documents."""

from __future__ import annotations

from certledger.ledger.sheets.finding_kinds import kind as _kind
from certledger.ledger.sheets.findings import FindingKind, Grade

_F, _Q, _N = Grade.FAULT, Grade.QUESTION, Grade.NOTE

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
TEXT_ENTITY = _kind(
    "text.entity",
    _F,
    "{value} 中有网页转义，应为 {repaired}；请改正",
    "{value} has an escape of web pages and should read {repaired}: correct it",
)
TEXT_RADICAL = _kind(
    "text.radical",
    _Q,
    "{value} 中的 {radical}（U+{code}）是部首符号，不是汉字；将封存 {sealed}，是否如此",
    "{radical} (U+{code}) in {value} is the sign of a radical and no character; {sealed} would be"
    " sealed: is that right",
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
TEXT_FULL_WIDTH = _kind(
    "text.full_width",
    _Q,
    "{value} 中有全角字母或数字；将封存 {sealed}，是否如此",
    "{value} has full-width letters or digits; {sealed} would be sealed: is that right",
)
TEXT_LOOK_ALIKE = _kind(
    "text.look_alike",
    _Q,
    "{value} 中的 {letter}（U+{code}）是希腊或西里尔字母，看起来像拉丁字母；是否确实如此",
    "{letter} (U+{code}) in {value} is a Greek or Cyrillic letter that looks like a Latin one: is"
    " it meant",
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
    "{value!r} is not in the issuer's catalog, which has {known}",
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
CODE = _kind("access_code.invalid", _F, "查验码无效：{why}", "no access code: {why}")
CODE_MISSING = _kind(
    "access_code.missing",
    _F,
    "本行没有查验码；请先运行 certledger codes，再制作证书文件",
    "the row has no access code: run `certledger codes` first, then make its document",
)
CODE_TWICE = _kind(
    "access_code.twice",
    _F,
    "查验码与第 {first} 行相同；请删去本行查验码，重新运行 certledger codes",
    "the access code is that of row {first} too: delete it here and run `certledger codes` again",
)
CODE_GUESSABLE = _kind(
    "access_code.guessable",
    _F,
    "查验码不是随机抽取的（重复字符过多，或与上一行几乎相同）；请删去后运行 certledger codes",
    "the access code has not been drawn at random (few different characters, or nearly that of the"
    " row above): delete it and run `certledger codes`",
)
LINK = _kind("link.invalid", _F, "不是查验链接：{why}", "no short link: {why}")
LINK_DIFFERS = _kind(
    "link.differs",
    _F,
    "查验链接不是本行编号和查验码的链接；请再次运行 certledger codes，并重新制作证书文件",
    "the short link is not that of this row's number and access code: run `certledger codes` again"
    " and make the document anew",
)
LINK_ADDRESS = _kind(
    "link.address",
    _F,
    "查验链接指向 {host}，而查验码是为 {address} 抽取的；"
    "请再次运行 certledger codes，并重新制作证书文件",
    "the short link leads to {host}, and codes were drawn for {address}: run `certledger codes`"
    " again and make the document anew",
)
LINK_ADDRESS_UNKNOWN = _kind(
    "link.address_unknown",
    _Q,
    "查验链接指向 {host}；本机未为任何服务抽取过查验码，是否确为该服务",
    "the short link leads to {host}, and no codes were drawn for any service here: is it the one",
)
CODE_USED = _kind(
    "access_code.used",
    _F,
    "查验码已用于第 {sequence} 批的 {number}；请删去后运行 certledger codes，并重新制作证书文件",
    "the access code is that of {number} in batch {sequence}: delete it, run `certledger codes` and"
    " make the document anew",
)
NUMBER_IS_IDENTITY = _kind(
    "number.is_identity",
    _Q,
    "证书编号 {number} 就是持证人的身份证号；{category} 的编号是否确实如此",
    "the number {number} is the holder's identity number: are the numbers of {category} such",
)
NUMBER_YEAR = _kind(
    "number.year_differs",
    _Q,
    "编号 {number} 中的年份是 {year}，签发日期却是 {issued}；是否如此",
    "the number {number} says the year {year}, issued {issued}: is it meant",
)
NUMBER_DOUBTFUL = _kind(
    "number.doubtful",
    _Q,
    "编号 {value} 像是日期、电话号码、几个编号，或带有备注或遮盖符号；是否确为一个编号",
    "the number {value} looks like a day, a telephone number or several numbers, or has a remark or"
    " a mask: is it one number",
)
NAME_DOUBTFUL = _kind(
    "name.doubtful",
    _Q,
    "名称 {value} 像是带有序号、备注、遮盖符号，或是几个人，或是表头；是否确为名称本身",
    "the name {value} looks like one with a list number, a remark or a mask, like several persons,"
    " or like a header: is it the name alone",
)
NUMBER_LOOKS_ALIKE = _kind(
    "number.looks_alike",
    _Q,
    "编号 {number} 与 {other} 看起来相同（如 O 与 0、I 与 1）；是否为两份不同的证书",
    "the number {number} looks like {other} (as O like 0, and I like 1): are these two"
    " certificates",
)
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
IDENTITY_AGE = _kind(
    "identity.age",
    _Q,
    "身份证号 {value} 中的出生日期是 {inside}，距今 120 年以上；是否如此",
    "the identity number {value} says born {inside}, more than 120 years ago: is it meant",
)
IDENTITY_REGION = _kind(
    "identity.region",
    _Q,
    "身份证号 {value} 的前两位 {region} 不是任何省份；号码是否正确",
    "the identity number {value} begins with {region}, which is no province: is it right",
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
NAME_HAS_NUMBER = _kind(
    "name.has_number",
    _Q,
    "名称 {value} 中有编号；是否确为名称",
    "there is a number in the name {value}: is it a name",
)
IDENTITY_ONE_NAME = _kind(
    "identity.one_name",
    _Q,
    "{count} 个不同的身份证号都属于 {name}；姓名一列是否放错",
    "{count} different identity numbers all belong to {name}: is that the column of names",
)
IDENTITY_TWO_NAMES = _kind(
    "identity.two_names",
    _Q,
    "{value} 在第 {first} 行属于 {other}，本行属于 {name}；是否同一人",
    "{value} is that of {other} in row {first} and of {name} here: are they one person",
)
NUMBER_WITHOUT_DIGIT = _kind(
    "number.no_digit",
    _Q,
    "编号 {value} 中没有数字；是否确为编号",
    "the number {value} has no digit: is it a number",
)
TEXT_IS_CODE = _kind(
    "text.is_code",
    _Q,
    "{value} 是身份证号或信用代码；本列是否应有号码",
    "{value} is an identity number or credit code: does it belong in this column",
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
DATE_BEFORE_MIDNIGHT = _kind(
    "sheet.date_before_midnight",
    _Q,
    "存储的 {value} 距次日零点不到一秒，各软件显示的日期不同；将封存 {sealed}，是否如此",
    "the cell holds {value}, less than a second before midnight, and programs differ in the day"
    " that they show; {sealed} would be sealed: is it meant",
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
DATE_EXPIRED = _kind(
    "sheet.date_expired",
    _Q,
    "到期日 {expires} 已过（今天是 {today}），证书封存时已失效；是否如此",
    "expires {expires}, before today ({today}), so that it is expired when it is sealed: is it"
    " meant",
)
DATE_UTC = _kind(
    "sheet.date_utc",
    _Q,
    "{value} 的时刻是 16:00，正是世界时记的北京时间次日零点；将封存 {sealed}，是否如此",
    "{value} has the time 16:00, as UTC says midnight of the next day in China; {sealed} would be"
    " sealed: is it meant",
)
DATE_OUTLIER = _kind(
    "sheet.date_outlier",
    _Q,
    "签发日期 {value} 与表中几乎所有其他行（{usual} 前后）相差两年以上；是否如此",
    "issued {value}, two years or more from nearly all other rows (about {usual}): is it meant",
)
TERM_OUTLIER = _kind(
    "sheet.date_outlier",
    _Q,
    "到期日 {value} 使有效期为 {days} 天，几乎所有其他行为 {usual} 天；是否如此",
    "expires {value}, after {days} days, where nearly all other rows have {usual}: is it meant",
)
DRAGGED = _kind(
    "sheet.dragged_down",
    _Q,
    "自本行起 {count} 行（至第 {last} 行）逐行加一，像是下拉填充所致；是否如此",
    "from here {count} rows (to row {last}) go up by one each, as cells do that are dragged down:"
    " is it meant",
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

ISSUER_DIFFERS = _kind(
    "sheet.body_differs",
    _F,
    "{value}，但本机构登记为 {name}",
    "{value!r}, but the issuer is registered as {name!r}",
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
EDITION_NEARLY_TWICE = _kind(
    "edition.nearly_twice",
    _Q,
    "{number} 与第 {first} 行的编号只差括号或零；是否两份证书",
    "{number} differs from the number in row {first} in brackets or zeros alone: are they two"
    " certificates",
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
