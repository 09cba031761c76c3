"""The Python package wasmtime: `python decide.py FOLDER` prints what `decide.mjs` reports, see `cases.mjs`.

Each decision gets a fresh instance, as the contract asks of a host that does not know what it runs.
"""

import json
import sys
from pathlib import Path

from wasmtime import Config, Engine, Store
from wasmtime.component import Component, Linker, Record

DECISION = "hexgate:policy/decision@0.2.0"
DESCRIPTION = "hexgate:policy/description@0.2.0"
# The paths that each scope is asked about, and one scope that is not there.
PROBES = ["docs/a.md", ".env", "src/.env.example", "C:/x", "a/../b", "größe", ""]


class Policy:
    """A component that imports nothing: the linker is empty."""

    def __init__(self, engine: Engine, path: Path):
        self._engine = engine
        self._linker = Linker(engine)
        self._component = Component.from_file(engine, str(path))

    def call(self, interface: str, function: str, *parameters):
        store = Store(self._engine)
        instance = self._linker.instantiate(store, self._component)
        index = instance.get_export_index(store, interface)
        index = instance.get_export_index(store, function, index)
        return instance.get_func(store, index)(store, *parameters)


def record(**fields):
    made = Record()
    made.__dict__.update(fields)
    return made


def field(of: Record, name: str):
    return getattr(of, name)


def paths(scope):
    return {name: field(scope, name) for name in ("allowed", "denied", "except")}


def answer(policy: Policy, case: dict):
    request = record(**{name: case[name] for name in ("roles", "tool", "arguments", "facts")})
    result = policy.call(DECISION, "decide", request)
    tag, value = result.payload.tag, result.payload.payload
    if result.tag == "ok" and tag == "deny":
        hint = field(value, "hint")
        return {
            "verdict": tag,
            "reason": field(value, "reason"),
            "violations": field(value, "violations"),
            "hint": hint and paths(hint),
            "message": field(value, "message"),
        }
    if result.tag == "ok" and tag == "needs-approval":
        grant = field(value, "grant")
        return {
            "verdict": tag,
            "role": field(grant, "role"),
            "scope": field(grant, "scope"),
            "terms": field(value, "terms"),
            "message": field(value, "message"),
        }
    if result.tag == "ok":
        return {"verdict": tag, "role": field(value, "role"), "scope": field(value, "scope")}
    if tag == "internal":
        return {"error": tag, "reason": value}
    return {"error": tag, **value.__dict__}


def describe(policy: Policy):
    def ask(function, *parameters):
        return policy.call(DESCRIPTION, function, *parameters)

    def paged(page):
        everything = []
        while more := page(len(everything)):
            everything += more
        return everything

    def some(it, *names):
        return {name: field(it, name) for name in names}

    def rule(it):
        tools = field(it, "tools")
        more = some(it, "mode", "constraints", "scope", "terms", "message", "description")
        return {"tools": [tools.tag, tools.payload], **more}

    def forbids(role):
        found = paged(lambda start: ask("forbids", role, start, 3))
        return [some(it, "tools", "constraints", "scope", "message", "description") for it in found]

    def role(it):
        name = field(it, "name")
        rules = paged(lambda start: ask("rules", name, start, 3))
        return {
            **some(it, "name", "description"),
            "rules": [rule(it) for it in rules],
            "forbids": forbids(name),
        }

    def scope(it):
        return {
            **some(it, "arguments", "search", "style"),
            "paths": paths(field(it, "paths")),
            "exclusions": [
                {"paths": paths(field(one, "paths")), "style": field(one, "style")}
                for one in field(it, "exclusions")
            ],
        }

    def terms(it):
        return {
            **some(it, "roles", "expires", "approvers"),
            "reason_required": field(it, "reason-required"),
        }

    about = ask("about")
    limits = field(about, "limits")
    scopes = field(about, "scopes")
    all_terms = field(about, "terms")
    return {
        "about": {
            "coverage": field(about, "coverage"),
            "source_digest": field(about, "source-digest"),
            "compiler": field(about, "compiler"),
            "arguments_bytes": field(limits, "arguments-bytes"),
            "facts_bytes": field(limits, "facts-bytes"),
            "facts": field(about, "facts"),
            "description": field(about, "description"),
        },
        "roles": [role(it) for it in paged(lambda start: ask("roles", start, 3))],
        "forbids": forbids(None),
        "scopes": [scope(ask("scope", number)) for number in range(scopes)],
        "terms": [terms(ask("terms", number)) for number in range(all_terms)],
        "covers": [
            policy.call(DECISION, "covers", number, path)
            for number in range(scopes + 1)
            for path in PROBES
        ],
        "missing": [
            ask("rules", "no such role", 0, 1),
            ask("forbids", "no such role", 0, 1),
            ask("scope", scopes),
            ask("terms", all_terms),
        ],
    }


def main(folder: Path):
    config = Config()
    config.wasm_component_model = True
    engine = Engine(config)
    folders = sorted((folder / "policies").iterdir(), key=lambda path: int(path.name))
    policies = [Policy(engine, path / "policy.component.wasm") for path in folders]
    cases = json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    report = {
        "answers": [answer(policies[case["policy"]], case) for case in cases],
        "descriptions": [describe(policy) for policy in policies],
    }
    json.dump(report, sys.stdout)


main(Path(sys.argv[1]))
