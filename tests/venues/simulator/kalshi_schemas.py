"""Kalshi's published OpenAPI and AsyncAPI files as judges: what a reply or a frame breaks, as sentences.

OpenAPI 3.0 writes `nullable: true` where JSON Schema says `type: null`; apart from that its schemas are JSON Schema.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator

from tests.venues.simulator.kalshi_stand import ROOT

FOLDER = "venues/kalshi"


class Judge:
    """The schemas of one file."""

    def __init__(self, path: Path) -> None:
        self.document: dict[str, Any] = _with_nulls(yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader))

    def broken(self, schema: dict[str, Any], instance: object) -> list[str]:
        """What the instance breaks; empty when it fits."""
        whole = {**schema, "components": self.document["components"]}
        found = Draft202012Validator(whole).iter_errors(instance)
        return [f"{error.json_path}: {error.message}" for error in found]


class RestJudge(Judge):
    def __init__(self, shared: Path) -> None:
        super().__init__(shared / FOLDER / "openapi.yaml")
        self._patterns = [(_pattern(path), path) for path in self.document["paths"]]
        self.judged: set[tuple[str, str, int]] = set()

    def fault(self, reply: httpx.Response) -> list[str]:
        """What a reply breaks of the schema of its operation and status."""
        method, path = reply.request.method.lower(), self._template(reply.request.url.path)
        answer = self.document["paths"][path][method]["responses"].get(str(reply.status_code))
        if answer is None:
            return [f"{method} {path} has no status {reply.status_code}"]
        self.judged.add((method, path, reply.status_code))
        answer = self._resolved(answer)
        content = answer.get("content", {}).get("application/json")
        if content is None:  # the file leaves some refusals without a schema
            return []
        return [f"{method} {path} {each}" for each in self.broken(content["schema"], json.loads(reply.content))]

    def _template(self, path: str) -> str:
        found = [template for pattern, template in self._patterns if pattern.fullmatch(path.removeprefix(ROOT))]
        return min(found, key=lambda template: template.count("{"))

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        for step in node.get("$ref", "").split("/")[1:]:
            node = self.document[step] if step == "components" else node[step]
        return node


class FrameJudge(Judge):
    def __init__(self, shared: Path) -> None:
        super().__init__(shared / FOLDER / "asyncapi.yaml")
        self._schemas: dict[str, list[dict[str, Any]]] = {}
        for name, schema in self.document["components"]["schemas"].items():
            kind = schema.get("properties", {}).get("type", {})
            if "const" in kind:
                self._schemas.setdefault(kind["const"], []).append({"$ref": f"#/components/schemas/{name}"})

    def fault(self, frame: dict[str, Any]) -> list[str]:
        """What a frame breaks of the schema of its type; an `ok` answers two commands, and must fit one of the two."""
        schemas = self._schemas.get(frame["type"])
        if schemas is None:
            return [f"{frame['type']} is no published frame"]
        verdicts = [self.broken(schema, frame) for schema in schemas]
        return [f"{frame['type']} {each}" for each in min(verdicts, key=len)]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{.+?\\\}", "[^/]+", re.escape(path)))


def _with_nulls(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_nulls(each) for each in node]
    if not isinstance(node, dict):
        return node
    rest = {name: _with_nulls(each) for name, each in node.items() if name != "nullable"}
    return {"anyOf": [rest, {"type": "null"}]} if node.get("nullable") is True else rest
