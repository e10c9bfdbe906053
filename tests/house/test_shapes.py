"""Whoever decodes into a shape in any thread asks for it by `ready` (`venues.shapes`); else the interpreter may die."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.tree import Module, program

ONE_THREAD = ("venues/simulator/", "venues/leagues.py")
"""A simulator decodes on its own thread only; a league as its module is imported."""
PLAIN = frozenset({"str", "int", "bool", "list", "dict", "Any", "Raw"})


def shapes_asked_for(module: Module) -> Iterator[ast.expr]:
    for call in module.of(ast.Call):
        if ast.unparse(call.func) == "msgspec.convert":
            yield call.args[1]
        elif ast.unparse(call.func) == "msgspec.json.decode":
            yield from (word.value for word in call.keywords if word.arg == "type")


def is_safe(shape: ast.expr) -> bool:
    if isinstance(shape, ast.Call):
        return ast.unparse(shape.func) == "ready"
    names = {node.id for node in ast.walk(shape) if isinstance(node, ast.Name)} - {"msgspec"}
    names |= {node.attr for node in ast.walk(shape) if isinstance(node, ast.Attribute)}
    return names <= PLAIN


def test_every_shape_that_is_decoded_in_a_function_is_ready():
    found = [
        f"{module.path}:{shape.lineno}: {ast.unparse(shape)}"
        for module in program()
        if not str(module.path).startswith(ONE_THREAD)
        for shape in shapes_asked_for(module)
        if not is_safe(shape)
    ]
    assert found == []
