"""Prints the keys in Compose files as JSON, as a reader of the files would list them, without using flakeward."""

import json
import sys

from ruamel.yaml import YAML


def children(path, node):
    """The keys in a value that a reader would count individually."""
    if isinstance(node, dict):
        return [f"{path}.{key}" for key in node]
    if isinstance(node, list) and path.endswith(".environment"):
        return [f"{path}.{str(item).split('=')[0]}" for item in node]
    if isinstance(node, list) and path.endswith(".depends_on"):
        return [f"{path}.{item}" for item in node]
    return []


def keys(document):
    found = []
    for top, value in document.items():
        if top == "services":
            for name, service in value.items():
                for key, node in (service or {}).items():
                    path = f"services.{name}.{key}"
                    found.append(path)
                    if key in ("environment", "depends_on"):
                        found.extend(children(path, node))
        elif top in ("volumes", "secrets", "configs") and value:
            found.extend(f"{top}.{name}" for name in value)
        else:
            found.append(top)
    return found


reader = YAML(typ="rt")
result = {}
for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as file:
        result[name] = keys(reader.load(file))
json.dump(result, sys.stdout)
