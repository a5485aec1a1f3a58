"""Static files of the pages: style sheet and ES modules, read once and served by their digest.

`web/built` has what `make tools` and release wheels bring: a reader of codes in WebAssembly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import orjson

from certledger.api.translations import Language
from certledger.ledger.reference_data.fields import label_en, label_zh, load_field_names
from certledger.verifier.crypto.hashing import sha256

WEB = Path(__file__).parents[1] / "web"
FOLDER = WEB / "static"
BUILT = WEB / "built"
READER = ("zxing_reader.mjs", "zxing_share.mjs", "zxing_reader.wasm")
"""The reader of codes, which a plain clone has not."""
FIELD_LABELS: Mapping[Language, str] = {
    "en": "field-labels-en.json",
    "zh": "field-labels-zh.json",
}
"""The file with the labels of fields, by language."""
MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
_IMPORT = re.compile(r'^import [^"]*"\./([a-z_-]+\.mjs)";', re.MULTILINE)
_VERIFIER = "certledger-verifier.mjs"


@dataclass(frozen=True, kw_only=True, slots=True)
class StaticFiles:
    """All static files by name; `digest` names this set, so that their addresses never go stale.

    Modules import each other by relative paths, which stay within the set.
    """

    files: Mapping[str, bytes]
    digest: str

    @property
    def has_reader(self) -> bool:
        """Whether browsers without a reader of codes can get one here."""
        return self.files.keys() >= set(READER)

    def find(self, digest: str, name: str) -> tuple[bytes, str] | None:
        """Return a file and its media type, None where it is not of the set with this digest."""
        if digest != self.digest or name not in self.files:
            return None
        return self.files[name], MEDIA_TYPES[Path(name).suffix]

    def address(self, name: str) -> str:
        """Return the path of a file."""
        if name not in self.files:
            raise KeyError(name)
        return f"/static/{self.digest}/{name}"

    def texts_of(self, script: str) -> Iterator[str]:
        """Yield the texts of a script and of the pages' modules that it imports."""
        found, waiting = {_VERIFIER}, [script]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                yield (text := self.files[name].decode())
                waiting += _IMPORT.findall(text)


@lru_cache(maxsize=1)
def load_static_files() -> StaticFiles:
    """Read the files of the package, once a process."""
    files = {
        path.name: path.read_bytes()
        for folder in (FOLDER, BUILT)
        for path in sorted(folder.glob("*"))
        if path.suffix in MEDIA_TYPES
    }
    files |= {name: _field_labels(language) for language, name in FIELD_LABELS.items()}
    digest = sha256(b"".join(sha256(name.encode()) + sha256(files[name]) for name in sorted(files)))
    return StaticFiles(files=files, digest=digest.hex()[:16])


def _field_labels(language: Language) -> bytes:
    """Return the labels of the known fields: `{"holder_name":"Holder name"}`."""
    label = label_zh if language == "zh" else label_en
    return orjson.dumps({name: label(name) for name in load_field_names()})
