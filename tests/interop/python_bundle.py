"""Runs the Python package `hexgate` on a bundle: its own loader, verifier and signer, and nothing re-implemented.

    python python_bundle.py verify DIR PUBLIC_KEY_FILE
        Loads the bundle in DIR, verifies its signature and its digests, prints `verified`.

    python python_bundle.py decide DIR PUBLIC_KEY_FILE
        The same, and then decides the calls that standard input lists: a JSON array of objects with `role` (a name or null), `tool`
        and `args`. Prints the outcome and the violations of each as a JSON array on a line of its own.

    python python_bundle.py build DIR PREFIX [WASM_FILE]
        Makes a pair of keys, PREFIX.private and PREFIX.public, and writes a bundle signed with it to DIR. The policy is read from
        standard input. Compiling Rego to WebAssembly needs `opa`; WASM_FILE, if it is given, takes the place of its result.

A failure is a traceback and a status other than 0.
"""

import importlib.util
import json
import sys
import types
from pathlib import Path


def import_without_initialisers() -> None:
    """Makes the package's modules importable without running the `__init__` of its packages, which import agent frameworks."""
    spec = importlib.util.find_spec("hexgate")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("the package `hexgate` is not installed; see requirements.txt")
    root = Path(next(iter(spec.submodule_search_locations)))
    for name in (
        "hexgate",
        "hexgate.cli",
        "hexgate.cloud",
        "hexgate.runtime",
        "hexgate.security",
        "hexgate.streaming",
        "hexgate.tracing",
        "hexgate.utils",
    ):
        folder = root.joinpath(*name.split(".")[1:])
        if folder.is_dir():
            module = types.ModuleType(name)
            module.__path__ = [str(folder)]
            sys.modules[name] = module


def verified(directory: str, public_key_file: str):
    from hexgate.security.bundle import PolicyBundle
    from hexgate.security.signing import decode_key

    public_key = decode_key(Path(public_key_file).read_text(encoding="utf-8"))
    bundle = PolicyBundle.from_disk(directory)
    bundle.verify_signature(public_key)
    bundle.verify_integrity()
    return bundle


def decide(directory: str, public_key_file: str) -> None:
    bundle = verified(directory, public_key_file)
    for call in json.load(sys.stdin):
        verdict = bundle.evaluate(role=call["role"], tool=call["tool"], args=call["args"])
        print(json.dumps([verdict.outcome.value, *verdict.violations], ensure_ascii=False))


def build(directory: str, prefix: str, wasm_file: str | None = None) -> None:
    from hexgate.security import rego_wasm
    from hexgate.security.bundle import build_signed_bundle
    from hexgate.security.signing import encode_key, generate_keypair, sign_bytes

    if wasm_file is not None:
        wasm = Path(wasm_file).read_bytes()
        rego_wasm.compile_to_wasm = lambda *_, **__: types.SimpleNamespace(wasm=wasm)
    private_key, public_key = generate_keypair()
    for ending, key in (("private", private_key), ("public", public_key)):
        Path(f"{prefix}.{ending}").write_text(encode_key(key) + "\n", encoding="utf-8")

    source = sys.stdin.read()
    bundle = build_signed_bundle(source, sign=lambda manifest: sign_bytes(manifest, private_key))
    folder = Path(directory)
    folder.mkdir()
    folder.joinpath("policy.yaml").write_text(source, encoding="utf-8")
    folder.joinpath("policy.rego").write_text(bundle.rego_text, encoding="utf-8")
    folder.joinpath("policy.wasm").write_bytes(bundle.wasm_bytes)
    folder.joinpath("policy.bundle.json").write_bytes(bundle.manifest_bytes)
    folder.joinpath("policy.bundle.json.sig").write_bytes(bundle.signature)
    print("built")


if __name__ == "__main__":
    import_without_initialisers()
    match sys.argv[1:]:
        case ["verify", directory, public_key_file]:
            verified(directory, public_key_file)
            print("verified")
        case ["decide", directory, public_key_file]:
            decide(directory, public_key_file)
        case ["build", directory, prefix, wasm_file]:
            build(directory, prefix, wasm_file)
        case ["build", directory, prefix]:
            build(directory, prefix)
        case _:
            sys.exit(__doc__)
