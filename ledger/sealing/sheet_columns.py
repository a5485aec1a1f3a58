"""The columns of sheets of certificates: our own, and the fields of a catalog's categories."""

from __future__ import annotations

from collections.abc import Mapping

from certledger.ledger.reference_data.fields import (
    label_en,
    label_zh,
    load_field_aliases,
)
from certledger.ledger.sealing.access_codes import ACCESS_CODE, SHORT_LINK
from certledger.ledger.sheets.column_names import ColumnName, ColumnNames, field_column
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.record import NUMBER

ISSUE_FIELD, EXPIRY_FIELD, ISSUER_FIELD = "issue_date", "expiry_date", "issuing_body"
"""Fields whose values must agree with the record and the issuer's registration."""
CATEGORY = "category"
OWN_COLUMNS = frozenset(
    {
        CATEGORY, "number", "issued", "expires", "replaces", "holder_key", "documents",
        ACCESS_CODE, SHORT_LINK,
    }
)  # fmt: skip
"""The columns that are not fields of a category; `number` is short for `certificate_number`."""


def _labels(field: str) -> tuple[str, ...]:
    return (label_zh(field), *load_field_aliases().get(field, ()))


def own_columns() -> Mapping[str, ColumnName]:
    """Return the columns that are not fields of a category, by name."""
    columns = (
        ColumnName(
            CATEGORY, ("类别", "证照类别", "类别代码", "证照类型", "证书种类"), ("Category",)
        ),
        ColumnName("number", _labels(NUMBER), ("Number",)),
        ColumnName("issued", _labels(ISSUE_FIELD), ("Issued", "Date of issue")),
        ColumnName("expires", _labels(EXPIRY_FIELD), ("Expires", "Valid until")),
        ColumnName("replaces", ("替换原证", "原证书编号"), ("Replaces",)),
        ColumnName("holder_key", ("持有人公钥",), ("Holder key",)),
        ColumnName(
            "documents", ("文件", "附件", "证书文件", "电子文件", "文件名"), ("Documents", "Files")
        ),
        ColumnName(ACCESS_CODE, ("查验码", "访问码"), ("Access code",)),
        ColumnName(SHORT_LINK, ("查验链接", "核验链接"), ("Short link",)),
    )
    return {column.name: column for column in columns}


_OWN_LABELS = frozenset({NUMBER, ISSUE_FIELD, EXPIRY_FIELD})
"""Fields whose Chinese labels are those of our own columns."""


def catalog_columns(catalog: Catalog) -> ColumnNames:
    """Return the columns that a sheet of a catalog's certificates may have."""
    columns = dict(own_columns())
    for entry in catalog.entries:
        for name in entry.fields:
            if name in _OWN_LABELS:
                columns.setdefault(name, ColumnName(name, (), (label_en(name),)))
            elif name in columns:
                own = columns[name]
                columns[name] = ColumnName(name, (*own.zh, label_zh(name)), own.en)
            else:
                columns[name] = field_column(name)
    return ColumnNames.of(columns.values())
