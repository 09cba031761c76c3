"""The package itself: stubs, errors, the command line."""

from __future__ import annotations

import ast
import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import hexgate_host as hexgate
from hexgate_host import _errors, _native

PACKAGE = Path(hexgate.__file__).parent


def parameters(signature: ast.arguments) -> list[tuple[str, str, bool]]:
    """Name, kind and whether there is a default, of each parameter of a stub."""
    found = []
    positional = [*signature.posonlyargs, *signature.args]
    defaults = [False] * (len(positional) - len(signature.defaults)) + [True] * len(signature.defaults)
    for parameter, default in zip(positional, defaults, strict=True):
        found.append((parameter.arg, "positional", default))
    for parameter, value in zip(signature.kwonlyargs, signature.kw_defaults, strict=True):
        found.append((parameter.arg, "keyword", value is not None))
    if signature.kwarg:
        found.append((signature.kwarg.arg, "rest", False))
    return [each for each in found if each[0] not in ("self", "cls")]


def actual(function: object) -> list[tuple[str, str, bool]]:
    kinds = {
        inspect.Parameter.POSITIONAL_OR_KEYWORD: "positional",
        inspect.Parameter.KEYWORD_ONLY: "keyword",
        inspect.Parameter.VAR_KEYWORD: "rest",
    }
    signature = inspect.signature(function)  # type: ignore[arg-type]
    return [
        (parameter.name, kinds[parameter.kind], parameter.default is not inspect.Parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name not in ("self", "cls")
    ]


def test_the_stubs_are_the_module() -> None:
    stubs = ast.parse((PACKAGE / "_native.pyi").read_text())
    told: set[str] = set()
    for node in stubs.body:
        if isinstance(node, ast.FunctionDef):
            told.add(node.name)
            assert parameters(node.args) == actual(getattr(_native, node.name)), node.name
        elif isinstance(node, ast.ClassDef):
            told.add(node.name)
            kind = getattr(_native, node.name)
            members: set[str] = set()
            for member in node.body:
                assert isinstance(member, ast.FunctionDef)
                members.add(member.name)
                where = f"{node.name}.{member.name}"
                if any(isinstance(each, ast.Name) and each.id == "property" for each in member.decorator_list):
                    assert inspect.isgetsetdescriptor(kind.__dict__[member.name]), where
                elif member.name == "__new__":
                    assert parameters(member.args) == actual(kind), where
                elif not member.name.startswith("__"):
                    assert parameters(member.args) == actual(getattr(kind, member.name)), where
            public = {name for name in vars(kind) if not name.startswith("_")}
            assert public == {name for name in members if not name.startswith("_")}, node.name
            assert ("__new__" in members) == ("__new__" in vars(kind)), node.name
    assert told == {name for name in vars(_native) if not name.startswith("_")}


def test_what_is_promised_is_there() -> None:
    assert (PACKAGE / "py.typed").is_file()
    assert sorted(hexgate.__all__) == hexgate.__all__
    for name in hexgate.__all__:
        assert getattr(hexgate, name) is not None
        assert (getattr(hexgate, name).__doc__ or name in ("Handler", "Observer")), name
    assert hexgate.__version__ == _native.version()


def test_errors_have_a_code_and_a_remedy() -> None:
    with pytest.raises(hexgate.PolicyError) as refused:
        hexgate.Policy.from_file("/nowhere")
    error = refused.value
    assert error.code == "policy_unreadable" and error.remedy
    assert str(error) == f"[{error.code}] {error.message} (to do: {error.remedy})"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.code, again.message, again.remedy) == (type(error), error.code, error.message, error.remedy)
    for name, kind in vars(_errors).items():
        if inspect.isclass(kind) and issubclass(kind, Exception):
            assert issubclass(kind, hexgate.HexgateError) and name in hexgate.__all__ and kind.__doc__


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hexgate_host", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_command_line(policy_file: Path, tmp_path: Path) -> None:
    assert run("--version").stdout.startswith("hexgate ")
    assert run("policy", "validate", str(policy_file)).returncode == 0
    tested = ("policy", "test", str(policy_file), "--role", "support", "--tool")
    allowed = run(*tested, "view_order")
    assert allowed.returncode == 0 and "ALLOW" in allowed.stdout.upper()
    denied = run(*tested, "delete_order")
    assert denied.returncode == 1 and "DENY" in denied.stdout.upper()
    explained = run(*tested, "refund_order", "--args", '{"amount": 5000}', "--explain")
    assert "args.amount" in explained.stdout
    suite = tmp_path / "suite.yaml"
    suite.write_text("- {role: support, tool: view_order, expect: allow}\n")
    assert run("policy", "test", str(policy_file), "--suite", str(suite)).returncode == 0
    assert run("nonsense").returncode == 2
    assert run("policy", "validate", str(tmp_path / "none.yaml")).returncode == 2
    assert run("--help").returncode == 0


def test_the_readme_decides_in_three_lines() -> None:
    readme = Path(__file__).parents[1] / "README.md"
    blocks = readme.read_text().split("```python\n")[1:]
    assert blocks
    for block in blocks:
        program = block.split("```")[0]
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
        assert ran.returncode == 0, ran.stderr


def test_importing_costs_little() -> None:
    program = "import sys; import hexgate_host; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert not {"opentelemetry", "hexgate_host.audit", "hexgate_host.opentelemetry"} & set(ran.stdout.split())


def test_the_process_ends_while_things_are_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    program = f"""
import threading, time
import hexgate_host as hexgate
enforcer = hexgate.Enforcer.from_yaml("bot", "roles: {{s: {{tools: {{t: {{mode: allow}}, a: {{mode: approval_required}}}}}}}}",
    audit_log={str(tmp_path / 'audit')!r}, approvals=lambda decision: time.sleep(3600) or True)
alice = hexgate.User("alice", "s")
permit = enforcer.authorize_sync("t", {{}}, caller=alice)
threading.Thread(target=lambda: enforcer.authorize_sync("a", {{}}, caller=alice), daemon=True).start()
def decide():
    while True:
        enforcer.decide("t", {{}}, caller=alice)
for _ in range(2):
    threading.Thread(target=decide, daemon=True).start()
time.sleep(0.3)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
