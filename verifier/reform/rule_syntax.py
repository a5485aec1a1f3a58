"""The expressions of rules: a subset of CEL without macros, so that every one ends.

Literals (integers, strings in either quotes, booleans), fields (`a.b.c`), calls of the functions
in `rule_types`, `! && || == != < <= > >= in + - * / % ?:`, lists and parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from certledger.verifier.errors import MalformedError

MAX_RULE_CHARACTERS = 4_096
MAX_TOKENS = 1_024
MAX_DEPTH = 32
"""Parentheses, calls, lists and choices within one another."""
MAX_TREE_DEPTH = 128
"""Operators and functions within one another: `a + b + c` is 2, since it is `(a + b) + c`."""
MAX_LIST = 64
MAX_RULE_INTEGER = 2**53 - 1


class RuleInvalidError(MalformedError):
    """An expression breaks the syntax or the types of rules; `at` is the character, from 0."""

    def __init__(self, code: str, sentence: str, at: int = 0) -> None:
        super().__init__(code, f"{sentence} (character {at + 1})")
        self.at = at


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: int | str | bool
    at: int


@dataclass(frozen=True, slots=True)
class ListExpression:
    """A list of expressions."""

    parts: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A variable, or a field of one."""

    names: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function of some arguments; operators are functions named by their sign."""

    name: str
    arguments: tuple[Node, ...]
    at: int


Node = Literal | ListExpression | FieldPath | Call

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[0-9]+(?![A-Za-z_0-9.]))
    | (?P<text>"(?:[^"\\\n]|\\["'\\])*"|'(?:[^'\\\n]|\\["'\\])*')
    | (?P<name>[A-Za-z_][A-Za-z_0-9]*)
    | (?P<sign>&&|\|\||==|!=|<=|>=|[!<>+\-*/%?:.,()\[\]])
    )""",
    re.VERBOSE,
)
_LEVELS: Sequence[frozenset[str]] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"==", "!=", "<", "<=", ">", ">=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
"""Binary operators by precedence, the loosest first; all associate to the left."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse_rule(text: str) -> Node:
    """Return the expression of a text.

    Raises:
        RuleInvalidError: `rule.size`, `rule.syntax`: it is too long, or none of this language.
    """
    if len(text) > MAX_RULE_CHARACTERS:
        sentence = f"{len(text)} characters, where {MAX_RULE_CHARACTERS} are taken"
        raise RuleInvalidError("rule.size", sentence)
    reader = _Reader(_tokens(text), len(text))
    node = reader.conditional()
    if reader.peek.kind != "end":
        raise reader.fault(f"{reader.peek.text!r} where the expression should end")
    _check_tree(node)
    return node


def _check_tree(root: Node) -> None:
    """Check the depth level by level: what types and evaluates a rule calls itself so often."""
    level: Sequence[Node] = [root]
    for _ in range(MAX_TREE_DEPTH + 1):
        level = [part for node in level for part in _parts(node)]
        if not level:
            return
    sentence = f"more than {MAX_TREE_DEPTH} operators and functions within one another"
    raise RuleInvalidError("rule.size", sentence, level[0].at)


def _parts(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Call):
        return node.arguments
    return node.parts if isinstance(node, ListExpression) else ()


def _tokens(text: str) -> list[_Token]:
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise RuleInvalidError("rule.syntax", f"{text[at]!r} is not expected", at)
        kind = str(found.lastgroup)
        tokens.append(_Token(kind, found[kind], found.start(kind)))
        at = found.end()
        if len(tokens) > MAX_TOKENS:
            raise RuleInvalidError("rule.size", f"more than {MAX_TOKENS} words and signs", at)
    return tokens


class _Reader:
    """Reads tokens by recursive descent, at most `MAX_DEPTH` deep."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens, self._at, self._depth = [*tokens, _Token("end", "", end)], 0, 0

    @property
    def peek(self) -> _Token:
        return self._tokens[self._at]

    def fault(self, sentence: str) -> RuleInvalidError:
        return RuleInvalidError("rule.syntax", sentence, self.peek.at)

    def _take(self) -> _Token:
        token = self.peek
        self._at += token.kind != "end"
        return token

    def _accept(self, text: str) -> bool:
        if self.peek.kind in ("sign", "name") and self.peek.text == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self.fault(f"{self.peek.text or 'the end'!r} where {text!r} is expected")

    def conditional(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RuleInvalidError("rule.size", f"nested deeper than {MAX_DEPTH}", self.peek.at)
        node, at = self._binary(0), self.peek.at
        if self._accept("?"):
            good = self.conditional()
            self._expect(":")
            node = Call("?:", (node, good, self.conditional()), at)
        self._depth -= 1
        return node

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        node = self._binary(level + 1)
        while self.peek.kind in ("sign", "name") and self.peek.text in _LEVELS[level]:
            sign = self._take()
            node = Call(sign.text, (node, self._binary(level + 1)), sign.at)
        return node

    def _unary(self) -> Node:
        signs = []
        while self.peek.kind == "sign" and self.peek.text in ("!", "-"):
            signs.append(self._take())
            if len(signs) > MAX_DEPTH:
                raise RuleInvalidError("rule.size", f"nested deeper than {MAX_DEPTH}", signs[0].at)
        node = self._primary()
        for sign in reversed(signs):
            node = Call("!" if sign.text == "!" else "neg", (node,), sign.at)
        return node

    def _primary(self) -> Node:
        token = self._take()
        if token.kind == "number":
            if len(token.text) > 16 or int(token.text) > MAX_RULE_INTEGER:
                raise RuleInvalidError("rule.syntax", "a number above 2^53-1", token.at)
            return Literal(int(token.text), token.at)
        if token.kind == "text":
            return Literal(re.sub(r"\\(.)", r"\1", token.text[1:-1]), token.at)
        if token.kind == "name":
            return self._named(token)
        if token.text == "(":
            node = self.conditional()
            self._expect(")")
            return node
        if token.text == "[":
            return ListExpression(self._arguments("]"), token.at)
        sentence = f"{token.text or 'the end'!r} where a value is expected"
        raise RuleInvalidError("rule.syntax", sentence, token.at)

    def _named(self, token: _Token) -> Node:
        if token.text in ("true", "false"):
            return Literal(token.text == "true", token.at)
        if token.text == "in":
            raise RuleInvalidError("rule.syntax", "'in' where a value is expected", token.at)
        if self._accept("("):
            return Call(token.text, self._arguments(")"), token.at)
        names = [token.text]
        while self._accept("."):
            name = self._take()
            if name.kind != "name":
                raise RuleInvalidError("rule.syntax", "no name after the full stop", name.at)
            names.append(name.text)
        if len(names) > 1 and self._accept("("):
            path = FieldPath(tuple(names[:-1]), token.at)
            return Call(names[-1], (path, *self._arguments(")")), token.at)
        return FieldPath(tuple(names), token.at)

    def _arguments(self, end: str) -> tuple[Node, ...]:
        parts: list[Node] = []
        while not self._accept(end):
            if parts:
                self._expect(",")
            parts.append(self.conditional())
            if len(parts) > MAX_LIST:
                raise RuleInvalidError("rule.size", f"more than {MAX_LIST} in a list", self.peek.at)
        return tuple(parts)
