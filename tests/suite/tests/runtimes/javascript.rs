//! The ES module that the compiler writes, when things are not as they should be.

use std::{fs, path::Path, process::Command};

use hexgate_tests::{engines, runtimes::write_policy};
use serde_json::{Value, json};

use crate::{fresh, node, printed, programs};

const POLICY: &str = "tools: {t: {mode: allow}}";
const DECIDE: &str = "hexgate:policy/decision@0.2.0#decide";

/// Where a core below keeps a text of four letters, and one that is not UTF-8.
const TEXT: u32 = 1_300;
const NO_TEXT: u32 = 1_310;
/// Behind all memory, and its last bytes.
const OUTSIDE: u32 = 65_536;
const LAST: u32 = 65_532;

/// A core module that describes itself as the policy does. It answers the first question to an instance with `answer`, after
/// `first`, from where `from` says; whoever asks the same instance again is allowed everything.
fn core(digest: &str, first: &str, from: u32, answer: &[u32]) -> String {
    let bytes = |words: &[u32]| -> String {
        let bytes = words.iter().flat_map(|word| word.to_le_bytes());
        bytes.map(|byte| format!("\\{byte:02x}")).collect()
    };
    let allow = [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let about = [0, 1_100, 64, TEXT, 4, 1, 1, 1, 1_024, 1_024];
    format!(
        r#"(module
  (memory (export "memory") 1)
  (global $asked (mut i32) (i32.const 0))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "{DECIDE}") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (if (global.get $asked) (then (return (i32.const 512))))
    (global.set $asked (i32.const 1))
    {first}
    (i32.const {from}))
  (func (export "hexgate:policy/description@0.2.0#about") (result i32) (i32.const 1024))
  (func (export "hexgate:policy/description@0.2.0#roles") (param i32 i32) (result i32) (i32.const 2048))
  (func (export "hexgate:policy/description@0.2.0#rules") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
  (func (export "hexgate:policy/description@0.2.0#forbids") (param i32 i32 i32 i32 i32) (result i32) (i32.const 2048))
  (func (export "hexgate:policy/description@0.2.0#scope") (param i32) (result i32) (i32.const 2048))
  (func (export "hexgate:policy/description@0.2.0#terms") (param i32) (result i32) (i32.const 2048))
  (func (export "hexgate:policy/decision@0.2.0#covers") (param i32 i32 i32) (result i32) (i32.const 0))
  (data (i32.const 256) "{}") (data (i32.const 512) "{}") (data (i32.const 1024) "{}")
  (data (i32.const 1100) "{digest}") (data (i32.const {TEXT}) "text") (data (i32.const {NO_TEXT}) "\ff\fe"))"#,
        bytes(answer),
        bytes(&allow),
        bytes(&about)
    )
}

/// What a core answers, and what comes of asking it twice.
#[rustfmt::skip]
fn answers() -> Vec<(&'static str, Vec<u32>, [&'static str; 2])> {
    const BAD: [&str; 2] = ["bad-output", "bad-output"];
    vec![
        // An instance that answered is asked again, which these cores show by allowing.
        ("a denial", vec![0, 0, 0, TEXT, 4, 0, 0, 0, 0, 0, 0, 0], ["deny", "allow"]),
        ("nothing but zeros", vec![0; 12], ["deny", "allow"]),
        ("an approval", vec![0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0], ["needs-approval", "allow"]),
        ("malformed", vec![1, 0, 0, 0, 2, 5, TEXT, 4, 0, 0, 0, 0], ["malformed arguments 5", "allow"]),
        ("exceeded", vec![1, 0, 1, 0, TEXT, 4, 9, 0, 0, 0, 0, 0], ["exceeded", "allow"]),
        // One that says that it is damaged, or answers what the contract does not allow, is not.
        ("internal", vec![1, 0, 2, 0, TEXT, 4, 0, 0, 0, 0, 0, 0], ["internal", "internal"]),
        ("no result", vec![2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0], BAD),
        ("no verdict", vec![0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0], BAD),
        ("no error", vec![1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0], BAD),
        ("no field", vec![1, 0, 0, 0, 4, 0, TEXT, 4, 0, 0, 0, 0], BAD),
        ("a role that is not there", vec![0, 0, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0], BAD),
        ("a huge role", vec![0, 0, 2, 1, u32::MAX, 0, 0, 0, 0, 0, 0, 0], BAD),
        ("a scope that is not there", vec![0, 0, 2, 0, 0, 1, 1, 0, 0, 0, 0, 0], BAD),
        ("neither a role nor none", vec![0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0], BAD),
        ("neither a hint nor none", vec![0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0], BAD),
        ("a reason behind the memory", vec![0, 0, 0, OUTSIDE, 4, 0, 0, 0, 0, 0, 0, 0], BAD),
        ("a reason over the memory's end", vec![0, 0, 0, LAST, 5, 0, 0, 0, 0, 0, 0, 0], BAD),
        ("a reason of four gigabytes", vec![0, 0, 0, 1, u32::MAX, 0, 0, 0, 0, 0, 0, 0], BAD),
        ("a reason that is no text", vec![0, 0, 0, NO_TEXT, 2, 0, 0, 0, 0, 0, 0, 0], BAD),
        ("violations behind the memory", vec![0, 0, 0, 0, 0, LAST, 1, 0, 0, 0, 0, 0], BAD),
        ("an approval on terms", vec![0, 0, 1, 0, 0, 0, 0, 1, 0, 1, TEXT, 4], ["needs-approval", "allow"]),
        ("terms that are not there", vec![0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0], BAD),
        ("neither terms nor none", vec![0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0], BAD),
        ("a message of an approval that is no text", vec![0, 0, 1, 0, 0, 0, 0, 0, 0, 1, NO_TEXT, 2], BAD),
        ("a message", vec![0, 0, 0, TEXT, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, TEXT, 4], ["deny", "allow"]),
        ("a message that is too long", vec![0, 0, 0, TEXT, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2_048, 501], BAD),
        ("a message of zeros", vec![0, 0, 0, TEXT, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2_048, 1], BAD),
        ("neither a message nor none", vec![0, 0, 0, TEXT, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0], BAD),
        ("violations without end", vec![0, 0, 0, 0, 0, 0, u32::MAX, 0, 0, 0, 0, 0], BAD),
    ]
}

/// Writes the policy, and beside it one whose core was changed. The digest of its source.
fn write(folder: &Path) -> String {
    let compiled = engines::compile(POLICY).unwrap();
    write_policy(folder, &compiled).unwrap();
    let changed = folder.join("changed");
    write_policy(&changed, &compiled).unwrap();
    let core = changed.join("policy.core.wasm");
    let mut bytes = fs::read(&core).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(core, bytes).unwrap();
    let digest = compiled.model.source_digest;
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn cores_and_requests_that_are_not_what_they_should_be_never_allow() {
    let folder = fresh("hostile");
    let digest = write(&folder);
    let cores = folder.join("cores");
    fs::create_dir(&cores).unwrap();
    let mut expected = serde_json::Map::new();
    let mut add = |name: &str, text: String, outcomes: Value| {
        fs::write(cores.join(name), wat::parse_str(text).unwrap()).unwrap();
        expected.insert(name.to_owned(), outcomes);
    };
    for (name, answer, outcomes) in answers() {
        add(name, core(&digest, "", 256, &answer), json!(outcomes));
    }
    let deny = |first: &str, from: u32| core(&digest, first, from, &[0; 12]);
    add("a trap", deny("unreachable", 256), json!(["trap", "trap"]));
    add(
        "growth",
        deny("(drop (memory.grow (i32.const 1)))", 256),
        json!(["deny", "deny"]),
    );
    let bad = json!(["bad-output", "bad-output"]);
    add(
        "an answer over the memory's end",
        deny("", LAST),
        bad.clone(),
    );
    add("an answer at minus one", deny("", u32::MAX), bad.clone());
    let room = "(result i32) (i32.const 4096)";
    let no_room = deny("", 256).replace(room, "(result i32) (i32.const 65530)");
    add("room over the memory's end", no_room, bad.clone());
    add(
        "no room",
        deny("", 256).replace(room, "(result i32) (i32.const 0)"),
        bad,
    );
    let start = |what: &str| json!([format!("Error: {what}")]);
    add(
        "another policy",
        core(&"0".repeat(64), "", 256, &[0; 12]),
        start(
            "the module holds another policy than this file: compile the policy again and deploy both",
        ),
    );
    add(
        "an import",
        deny("", 256).replace("(module", "(module (import \"a\" \"b\" (func))"),
        start("the module imports something; a policy imports nothing"),
    );
    add(
        "no decide",
        deny("", 256).replace(DECIDE, "decide"),
        start(&format!(
            "the module does not export the function `{DECIDE}`; it is not the core of a policy"
        )),
    );
    add(
        "no memory",
        deny("", 256).replace("(export \"memory\")", ""),
        start("the module does not export its memory; it is not the core of a policy"),
    );

    let Some(report) = node("hostile.mjs", &folder, "own") else {
        return;
    };
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["cores"], Value::Object(expected));
    let whole = "TypeError: an index is a whole number of 32 bits";
    let mut requests = report["requests"].clone();
    let unasked = requests.as_object_mut().unwrap().remove("no request");
    assert!(
        unasked
            .unwrap()
            .as_str()
            .unwrap()
            .starts_with("TypeError: "),
        "the words are the runtime's"
    );
    assert_eq!(
        requests,
        json!({
            "roles that are a text": "TypeError: `roles` is not an array",
            "roles that are like an array": "TypeError: `roles` is not an array",
            "a role that is no text": "TypeError: `roles` is not a string",
            "a hole in the roles": "TypeError: `roles` is not a string",
            "a tool that is no text": "TypeError: `tool` is not a string",
            "arguments that are an object": "TypeError: `arguments` is not a string",
            "facts that are an object": "TypeError: `facts` is not a string",
            "half a character in a role": "malformed roles 1",
            "half a character in the tool": "malformed tool 0",
            "half a character in the arguments": "malformed arguments 7",
            "half a character in long arguments": "malformed arguments 306",
            "half a character in the facts": "malformed facts 0",
            "too many roles": "exceeded",
            "32 roles": "allow",
            "facts that are null": "allow",
            "after all that": "allow",
            "a negative index": whole,
            "a fraction": whole,
            "an index of 33 bits": whole,
            "no index": whole,
        })
    );
    let changed = report["changed"].as_str().unwrap();
    assert!(
        changed.ends_with("is not the file that was written with this module: compile the policy again and deploy both"),
        "{changed}"
    );
}

/// The types say what the module does: a program that uses all of it passes a strict type check, and misuse does not.
#[test]
fn the_types_check() {
    let Some(programs) = programs() else { return };
    let folder = fresh("types");
    write(&folder);
    let check = |name: &str, program: &str| {
        let file = folder.join(name);
        fs::write(&file, program).unwrap();
        let mut compiler = Command::new(programs.join("node_modules/.bin/tsc"));
        compiler
            .args(["--noEmit", "--strict", "--exactOptionalPropertyTypes"])
            .args(["--module", "nodenext", "--target", "es2022"])
            .args(["--lib", "es2022,dom", "--types", ""])
            .arg(file);
        compiler
    };
    let good = r#"
import { instantiate, load, Policy, PolicyError, Verdict } from "./policy.js";
const policy: Policy = Math.random() < 1 ? await load() : instantiate(new WebAssembly.Module(new Uint8Array()));
try {
  const verdict: Verdict = policy.decision.decide({ roles: ["r"], tool: "t", arguments: "{}", facts: null });
  if (verdict.tag === "deny") verdict.val.violations.concat(verdict.val.hint?.denied ?? []).join();
  else {
    const { scope } = verdict.tag === "allow" ? verdict.val : verdict.val.grant;
    if (scope !== undefined) policy.description.scope(scope)?.paths.except.at(policy.decision.covers(scope, "a") ? 0 : 1);
  }
  if (verdict.tag === "needs-approval" && verdict.val.terms !== undefined) policy.description.terms(verdict.val.terms)?.roles.join();
} catch (error) {
  if (error instanceof PolicyError && error.payload.tag === "exceeded") error.payload.val.allowed > 0n;
}
const { coverage, limits } = policy.description.about();
coverage === "opaque" || limits.factsBytes > 0;
const role = policy.description.roles(0, 1)[0]!.name;
policy.description.rules(role, 0, 1)?.map(({ mode, tools }) => mode === "allow" && tools.tag !== "unlisted" && tools.val);
policy.description.forbids(undefined, 0, 1)?.map(({ tools }) => tools.join());
"#;
    printed(&mut check("good.mts", good));
    for (number, line) in [
        "const grant: boolean = policy.decision.decide(request);",
        "policy.decision.decide({ ...request, arguments: {} });",
        "policy.decision.decide(request).val.violations;",
        "policy.decision.decide(request).val.role;",
        "new PolicyError();",
    ]
    .iter()
    .enumerate()
    {
        let program = format!(
            "import {{ load, PolicyError }} from \"./policy.js\";\nconst policy = await load();\n\
             const request = {{ roles: [], tool: \"t\", arguments: \"{{}}\" }};\n{line}\n"
        );
        let output = check(&format!("bad{number}.mts"), &program)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            said.contains(&format!("bad{number}.mts(4,")),
            "`{line}` is refused where it stands: {said}"
        );
    }
}
