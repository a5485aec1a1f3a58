"""Good JSON with one thing wrong: what hypothesis throws at every parser."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.text("ABab01-_=", max_size=48),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abst1_", max_size=6), inner)
    ),
    max_leaves=6,
)


def parts_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every member and item inside `value`."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, part in items:
        yield (*path, key)
        yield from parts_of(part, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, good: Any) -> Any:
    """Return `good` with one part replaced, removed or added, anywhere inside it."""
    value = copy.deepcopy(good)
    *path, last = draw(st.sampled_from(list(parts_of(value))))
    inside = value
    for key in path:
        inside = inside[key]
    how = draw(st.sampled_from(["replace", "near", "remove", "add"]))
    if how == "remove":
        del inside[last]
    elif how == "add" and isinstance(inside, dict):
        inside[draw(st.sampled_from(["x", "note", "Type", last + "_"]))] = draw(json_values)
    elif how == "near":
        inside[last] = draw(near(inside[last]))
    else:
        inside[last] = draw(json_values)
    return value


def near(value: Any) -> st.SearchStrategy[Any]:
    """Return values that look like `value` and are another."""
    if isinstance(value, bool):
        return st.sampled_from([not value, int(value), str(value).lower()])
    if isinstance(value, int):
        steps = st.sampled_from([1, -1, 2**8, 2**16, 2**32, 2**40, 2**53])
        return steps.map(lambda step: value + step) | st.just(str(value)) | st.just(float(value))
    if isinstance(value, str) and value:
        return st.integers(0, len(value) - 1).map(
            lambda at: value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
        ) | st.sampled_from([value + "A", value[:-1], value + "=", value * 40, value.swapcase()])
    return json_values


@st.composite
def one_byte_changed(draw: st.DrawFn, good: bytes) -> bytes:
    """Return `good` with one byte replaced, removed or added."""
    at = draw(st.integers(0, len(good) - 1))
    put = draw(st.binary(max_size=2))
    return good[:at] + put + good[at + draw(st.integers(0, 1)) :]
