"""Mutants: one small break of one line each, found in a module's syntax tree and written into its text.

Every line that does something has its mutants; annotations, docstrings and the wording of raised errors do not.
"""

from __future__ import annotations

import ast
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_COMPARED: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_COUNTED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken line: `text` is the whole module with `was` replaced by `now`; `lines` are those of its statement,
    `place` is how the line reads unbroken.
    """

    path: str
    line: int
    lines: range
    place: str
    was: str
    now: str
    text: str


def sample(root: Path, paths: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """At most so many mutants of these modules: lines are drawn first, each as likely, then one break of the line."""
    by_line: dict[tuple[str, int], list[Mutant]] = defaultdict(list)
    for path in paths:
        for mutant in mutants(path, (root / path).read_text()):
            by_line[path, mutant.line].append(mutant)
    chance = random.Random(seed)
    lines = sorted(by_line)
    chosen = sorted(chance.sample(lines, min(count, len(lines))))
    return [chance.choice(by_line[line]) for line in chosen]


def mutants(path: str, text: str) -> Iterator[Mutant]:
    """Every mutant of a module."""
    tree = ast.parse(text)
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    encoded = text.encode()
    for statement, node, change in _changes(tree):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        written = change if isinstance(change, str) else ast.unparse(change)
        now = f"({written})" if isinstance(change, (ast.BinOp, ast.BoolOp, ast.Compare, ast.UnaryOp)) else written
        broken = (encoded[:begin] + now.encode() + encoded[end:]).decode()
        lines = range(statement.lineno, _end_of_head(statement) + 1)
        place = text.splitlines()[node.lineno - 1].strip()
        yield Mutant(path, node.lineno, lines, place, encoded[begin:end].decode(), now, broken)


def _end_of_head(statement: ast.stmt) -> int:
    body = getattr(statement, "body", None)
    return max(statement.lineno, body[0].lineno - 1) if body else statement.end_lineno or statement.lineno


def _changes(tree: ast.Module) -> Iterator[tuple[ast.stmt, ast.expr | ast.stmt, ast.AST | str]]:
    waiting: list[tuple[ast.stmt, ast.AST]] = [(each, each) for each in tree.body]
    while waiting:
        statement, node = waiting.pop()
        if isinstance(node, ast.stmt):
            statement = node
            for changed in _broken_statement(node):
                yield statement, node, changed
        elif isinstance(node, ast.expr):
            for broken in _broken_expression(node):
                yield statement, node, broken
        waiting.extend((statement, child) for child in _children(node))


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What is run of a node: no annotation, docstring, f-string, import or error's wording."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.JoinedStr() | ast.Raise():
            return
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Expr(value=ast.Constant()):
            return
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.Call(func=ast.Name(id="dataclass")):
            return
    for name, value in ast.iter_fields(node):
        if name not in {"annotation", "returns", "ctx", "type_comment", "op", "ops"}:
            yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, ast.AST))


def _broken_statement(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield "return None"
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break() | ast.Delete():
            yield "pass"
        case ast.Expr(value=ast.Yield() | ast.YieldFrom()):
            yield "yield from ()"


def _broken_expression(node: ast.expr) -> Iterator[ast.AST | str]:
    match node:
        case ast.Compare(ops=[first, *rest]):
            for other in _COMPARED[type(first)]:
                yield ast.Compare(node.left, [other(), *rest], node.comparators)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
            yield from (f"({ast.unparse(value)})" for value in node.values)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield f"({ast.unparse(node.operand)})"
        case ast.BinOp() if type(node.op) in _COUNTED:
            yield ast.BinOp(node.left, _COUNTED[type(node.op)](), node.right)
        case ast.IfExp():
            yield f"({ast.unparse(node.body)})"
            yield f"({ast.unparse(node.orelse)})"
        case ast.Call(keywords=[*_, ast.keyword(arg=str())]) if ast.unparse(node.func) not in {"field", "dataclass"}:
            for dropped in node.keywords:
                yield ast.Call(node.func, node.args, [each for each in node.keywords if each is not dropped])
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() if node.generators[0].ifs:
            outer = node.generators[0]
            without = ast.comprehension(outer.target, outer.iter, [], outer.is_async)
            yield type(node)(node.elt, [without, *node.generators[1:]])
        case ast.Constant():
            yield from _broken_constant(node.value)


def _broken_constant(value: object) -> Iterator[str]:
    match value:
        case bool():
            yield repr(not value)
        case int():
            yield repr(value + 1)
            yield repr(value - 1)
        case float():
            yield repr(value * 2)
        case str() | bytes() if value:
            yield repr(value[:-1])
