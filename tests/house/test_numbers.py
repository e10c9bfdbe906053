"""Amounts are exact integers in millionths, told by their names (`_u`); moments are aware; only the clock is asked."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatch

from tests.house.tree import APPS, Module, program

# Where money, prices and sizes are all there is: nothing here divides to a fraction or knows one.
EXACT = (
    "core/money.py", "risk/*.py", "trading/services/*.py", "trading/models/*.py", "trading/domain/positions.py",
    "trading/domain/portfolio.py", "trading/domain/sizing.py", "trading/domain/opening.py",
    "venues/book.py", "venues/*/fees.py", "venues/polymarket/amounts.py", "venues/polymarket/micro.py",
    "venues/kalshi/numbers.py", "venues/simulator/ledger.py", "venues/simulator/exchange*.py",
)  # fmt: skip


def test_what_is_counted_in_millionths_is_never_a_float():
    """A name that ends in `_u` is not annotated as a float, nor given a fraction."""
    wrong = [module.at(node, name) for module in program() for node, name in _fractions(module)]
    assert wrong == []


def _fractions(module: Module) -> Iterator[tuple[ast.AST, str]]:
    for node in module.of(ast.Assign, ast.AnnAssign, ast.arg, ast.keyword, ast.FunctionDef):
        name, annotation, value = _named(node)
        if name.endswith("_u") and (_is_fraction(value) or _says_float(annotation)):
            yield node, name


def _named(node: ast.AST) -> tuple[str, ast.expr | None, ast.expr | None]:
    """The name that a node gives to something, with its annotation and its value."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)], value=value):
            return name, None, value
        case ast.AnnAssign(target=ast.Name(id=name) | ast.Attribute(attr=name), annotation=annotation, value=value):
            return name, annotation, value
        case ast.arg(arg=name, annotation=annotation):
            return name, annotation, None
        case ast.keyword(arg=str(name), value=value):
            return name, None, value
        case ast.FunctionDef(name=name, returns=annotation):
            return name, annotation, None
    return "", None, None


def _is_fraction(value: ast.expr | None) -> bool:
    match value:
        case ast.Constant(value=float()) | ast.BinOp(op=ast.Div()) | ast.Call(func=ast.Name(id="float")):
            return True
        case ast.IfExp(body=body, orelse=orelse):
            return _is_fraction(body) or _is_fraction(orelse)
    return False


def _says_float(annotation: ast.expr | None) -> bool:
    return annotation is not None and any(isinstance(n, ast.Name) and n.id == "float" for n in ast.walk(annotation))


def test_money_code_knows_no_fraction_at_all():
    """No float literal, no `float(…)`, no `/` where money is reckoned."""
    exact = [module for module in program() if any(fnmatch(str(module.path), pattern) for pattern in EXACT)]
    assert len(exact) > 30
    wrong = [
        module.at(node)
        for module in exact
        for node in module.of(ast.Constant, ast.BinOp, ast.Call)
        if _is_fraction(node) and not _is_path(node)
    ]
    assert wrong == []


def _is_path(node: ast.AST) -> bool:
    """`folder / NAME` is no division."""
    return isinstance(node, ast.BinOp) and "_dir" in ast.unparse(node.left)


def test_every_moment_is_aware():
    """No `utcnow`, no `now()`, `fromtimestamp(x)` or `datetime(…)` without a zone."""
    naive = [
        module.at(node, ast.unparse(node)) for module in program() for node in module.of(ast.Call) if _is_naive(node)
    ]
    assert naive == []


def _is_naive(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="utcnow" | "utcfromtimestamp")):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="datetime"), attr="now"), args=[], keywords=[]):
            return True
        case ast.Call(func=ast.Attribute(attr="fromtimestamp"), args=[_], keywords=[]):
            return True
        case ast.Call(func=ast.Name(id="datetime"), args=given, keywords=named):
            return len(given) < 8 and all(word.arg != "tzinfo" for word in named)
    return False


def test_only_the_clock_asks_what_time_it_is():
    """In the apps the wall clock is `core.clock`; pure code is given `now`."""
    asked = {"time.time", "datetime.now", "timezone.now", "datetime.datetime.now", "date.today"}
    elsewhere = [
        module.at(node, ast.unparse(node))
        for module in program()
        if module.room in APPS and str(module.path) != "core/clock.py"
        for node in module.of(ast.Call)
        if ast.unparse(node.func) in asked
    ]
    assert elsewhere == []
