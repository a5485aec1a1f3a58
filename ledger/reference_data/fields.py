"""Names of certificate fields, with their labels and rules for sample values."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from certledger.ledger.reference_data.csv_reader import Column, Schema, matching, read_table, text
from certledger.ledger.reference_data.loader import PACKAGED

# The last part of a field's name is its unit, where it is one of these.
UNITS: Mapping[str, str] = {
    "cny": "CNY",
    "m": "m",
    "m2": "m²",
    "m3": "m³",
    "mu": "mu",
    "g": "g",
    "t": "t",
    "tce": "t coal equivalent",
    "ml": "ml",
}

ABBREVIATIONS: Mapping[str, str] = {
    "db": "dB",
    "gi": "GI",
    "hs": "HS",
    "id": "ID",
    "imo": "IMO",
    "ip": "IP",
    "issn": "ISSN",
    "msv": "mSv",
    "rd": "R&D",
    "uscc": "Unified social credit code",
    "vin": "VIN",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldName:
    """A field's name, its Chinese label, and how samples of it are made.

    Attributes:
        values: patterns separated by `|`, or `@` and the name of a maker; empty where the last
            part of the name says enough.
    """

    name: str
    label_zh: str
    values: str | None


_SCHEMA = Schema(
    file="fields.csv",
    row=FieldName,
    key=("name",),
    columns=(
        Column("name", matching(r"[a-z][a-z0-9_]*")),
        Column("label_zh", text),
        Column("values", text, may_be_empty=True),
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldAliases:
    """Other Chinese headers, separated by `|`, under which sheets have a field."""

    name: str
    aliases_zh: str


_ALIASES = Schema(
    file="field_aliases.csv",
    row=FieldAliases,
    key=("name",),
    columns=(
        Column("name", matching(r"[a-z][a-z0-9_]*")),
        Column("aliases_zh", text),
    ),
)


@lru_cache(maxsize=1)
def load_field_names() -> Mapping[str, FieldName]:
    """Return the packaged table of field names, read once a process."""
    table = read_table(PACKAGED, _SCHEMA)
    return {row.name: row for _, row in table.rows}


@lru_cache(maxsize=1)
def load_field_aliases() -> Mapping[str, tuple[str, ...]]:
    """Return the other Chinese headers of fields, read once a process."""
    table = read_table(PACKAGED, _ALIASES)
    return {row.name: tuple(row.aliases_zh.split("|")) for _, row in table.rows}


def label_zh(name: str) -> str:
    """Return the Chinese label of a field, or the English one if the table has none."""
    known = load_field_names().get(name)
    return known.label_zh if known else label_en(name)


def names_of(text: str) -> frozenset[str]:
    """Return the fields that a name, a Chinese label or another Chinese header means."""
    named = {name for name, row in load_field_names().items() if text in (name, row.label_zh)}
    return frozenset(named or {name for name, also in load_field_aliases().items() if text in also})


def label_en(name: str) -> str:
    """Derive an English label from the name: `area_m2` becomes `Area (m²)`."""
    words = name.split("_")
    unit = UNITS.get(words[-1]) if len(words) > 1 else None
    label = " ".join(ABBREVIATIONS.get(word, word) for word in (words[:-1] if unit else words))
    label = label[0].upper() + label[1:]
    return f"{label} ({unit})" if unit else label
