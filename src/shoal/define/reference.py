"""The generated parts of docs/rules.md and docs/features.md, from the definitions that the program runs by."""

from __future__ import annotations

from shoal.define.feature import OPERATIONS, Feature
from shoal.define.functions import FUNCTIONS


def functions_table() -> str:
    """Rows of the table of functions: what it is called, what it gives, how it is written."""
    return "\n".join(
        f"| `{function.name}` | {function.says.replace('|', chr(92) + '|')} | `{function.example}` |"
        for function in FUNCTIONS.values()
    )


def operations_table() -> str:
    """The table of operations of a feature."""
    rows = [f"| `{name}` | {Feature.model_fields[name].description} |" for name in OPERATIONS]
    return "\n".join(["| operation | gives |", "| --- | --- |", *rows])


def keys_table() -> str:
    """The table of keys that go with an operation."""
    keys = [name for name in Feature.model_fields if name not in (*OPERATIONS, "name")]
    rows = [f"| `{name}` | {Feature.model_fields[name].description} |" for name in keys]
    return "\n".join(["| key | means |", "| --- | --- |", *rows])
