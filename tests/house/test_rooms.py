"""Who knows what: venues by name in `venues` only, writes in services that say every argument's name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.tree import Function, Module, program

VENUES = {"KALSHI", "POLYMARKET", "kalshi", "polymarket", "kalshi:", "polymarket:"}


def test_nobody_outside_venues_asks_which_venue_it_is():
    """What differs between venues is a field of `Capabilities` or a row of a table, never a branch."""
    asked = [
        module.at(node, ast.unparse(node))
        for module in program()
        if module.room != "venues"
        for node in module.of(ast.Compare, ast.MatchValue, ast.Call)
        if _is_question(node) and _names_a_venue(node)
    ]
    assert asked == []


def _is_question(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in {"startswith", "removeprefix"}
    return True


def _names_a_venue(node: ast.AST) -> bool:
    return any(
        (isinstance(part, ast.Attribute) and part.attr in VENUES)
        or (isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value in VENUES)
        for part in ast.walk(node)
    )


def services() -> Iterator[tuple[Module, Function]]:
    """The functions of the service rooms."""
    for module in program():
        if module.path.stem == "services" or "services" in module.path.parts:
            yield from ((module, node) for node in module.tree.body if isinstance(node, ast.FunctionDef))


def test_services_are_annotated():
    bare = [module.at(node, node.name) for module, node in services() if _unannotated(node)]
    assert bare == []


def _unannotated(node: Function) -> bool:
    given = [*node.args.args, *node.args.kwonlyargs, *filter(None, [node.args.vararg, node.args.kwarg])]
    return node.returns is None or any(argument.annotation is None for argument in given)


def test_a_service_that_writes_says_whom_to_what_by_name():
    """A public function with a transaction of its own is `entity_action(*, …)`: no argument by position."""
    wrong = [
        module.at(node, node.name)
        for module, node in services()
        if _owns_a_transaction(node) and not node.name.startswith("_")
        if node.args.args or node.args.posonlyargs or "_" not in node.name
    ]
    assert wrong == []


def _owns_a_transaction(node: Function) -> bool:
    return any("atomic" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_a_service_commits_by_itself_or_is_part_of_another():
    """`durable=True` refuses to run inside somebody else's transaction; what may, is named here."""
    parts_of_others = {"alert_raise"}
    nested = {
        node.name
        for _, node in services()
        for decorator in node.decorator_list
        if "atomic" in ast.unparse(decorator) and "durable=True" not in ast.unparse(decorator)
    }
    assert nested == parts_of_others


def test_two_arguments_of_one_type_are_given_by_name():
    """In services, where a swapped pair would be written down for good."""
    swappable = [
        module.at(node, node.name) for module, node in services() if not node.name.startswith("_") and _has_twins(node)
    ]
    assert swappable == []


def _has_twins(node: Function) -> bool:
    types = [ast.unparse(given.annotation) for given in node.args.args if given.annotation]
    return len(types) != len(set(types))


def test_services_neither_wait_nor_talk_to_the_world():
    """No network, no sleep, no rendering inside a transaction."""
    strangers = ("httpx", "websockets", "asyncio", "socket", "venues.kalshi", "venues.polymarket", "django.shortcuts")
    found = [
        module.at(node, name)
        for module in {module for module, _ in services()}
        for node in module.of(ast.Import, ast.ImportFrom)
        for name in _imported(node)
        if name.startswith(strangers) or name == "time"
    ]
    assert found == []


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


WRITES = {"create", "update", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "delete"}


def test_no_app_writes_the_rows_of_another():
    """Reading downwards is free (docs/adr/0010); a change is a service of the app that owns the row."""
    wrong = [
        module.at(node, ast.unparse(node.func))
        for module in program()
        for foreign in [_foreign_models(module)]
        for node in module.of(ast.Call)
        if isinstance(node.func, ast.Attribute) and node.func.attr in WRITES and _begins_with(node.func) in foreign
    ]
    assert wrong == []


def _foreign_models(module: Module) -> set[str]:
    """The names under which it knows models of other apps."""
    return {
        alias.asname or alias.name
        for node in module.of(ast.ImportFrom)
        if node.module and node.module.partition(".")[2].startswith("models")
        if node.module.partition(".")[0] != module.room
        for alias in node.names
    }


def _begins_with(node: ast.expr) -> str:
    """The name at the very left of `Model.objects.filter(...).update`; empty for anything that is no manager's."""
    chain = ast.unparse(node)
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) and ".objects" in chain else ""
