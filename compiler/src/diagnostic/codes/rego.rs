//! Codes of policies in Rego.

use crate::diagnostic::CodeDoc;

pub(super) const CODES: &[CodeDoc] = &[
    CodeDoc::error(
        "rego-syntax",
        "a policy is not Rego",
        "OPA cannot read the policy. The message is OPA's own, at the place that OPA names. The language is Rego v1: rules with a body need `if`, and rules that make sets need `contains`.

`opa check policy.rego` shows the same.",
    ),
    CodeDoc::error(
        "rego-compile",
        "a policy in Rego does not compile",
        "OPA can read the policy and refuses it: a variable that nothing binds, a rule that refers to itself, a function that is not there, an operand of the wrong type. The message is OPA's own, at the place that OPA names.

`opa check policy.rego` shows the same.",
    ),
    CodeDoc::error(
        "rego-builtin",
        "a builtin that needs a host",
        "A policy component imports nothing: no clock, no network, no randomness. OPA's WebAssembly has about a hundred builtins within itself; all others, such as `http.send`, `time.now_ns`, `io.jwt.decode_verify` or `sprintf`, are calls of the host that evaluates it, and there is nobody to answer them.

Pass what the rule needs in the facts of the request (`input.ctx`, `input.run`, `input.user`) or as data, or write it with other builtins: `concat(\"\", [\"limit \", format_int(n, 10)])` instead of `sprintf`.",
    ),
    CodeDoc::error(
        "rego-entrypoint",
        "the rule that is to be asked is not there, or not alone",
        "A component asks one rule, by default `hexgate/policy/decision`: the rule `decision` of `package hexgate.policy`. Another one is named with `--entrypoint`, as in `--entrypoint a/b` for the rule `b` of `package a`. Rules that annotations declare as entrypoints of their own are refused, since nothing would ask them.

The rule answers `{\"allow\": boolean, \"requires_approval\": boolean, \"violations\": [text, ...]}`.",
    ),
    CodeDoc::error(
        "rego-answer",
        "a policy in Rego answers something else than a decision",
        "The rule that is asked answers an object with `allow` and `requires_approval`, both booleans, and `violations`, an array or set of texts, whatever the call. A host asks a first question when it loads a policy, and refuses one that answers otherwise; so it is asked here too. Answers that are written out in the policy are looked at one by one.

    default decision := {\"allow\": false, \"requires_approval\": false, \"violations\": [\"no rule is about this call\"]}

Without a `default` the decision is undefined for calls that no rule is about, and that is no answer either.",
    ),
    CodeDoc::error(
        "rego-unknown-data",
        "a policy in Rego refers to data that are not given",
        "A component holds all data that its policy can see. What no rule defines and `--data` does not give is undefined in every decision. In

    decision := allowed if not data.blocked[input.args.to]

no caller would be blocked.

Give the data in a file with `--data`, as an empty list or object if there is nothing to say yet. For a list that may be left out write `object.get(data.lists, \"blocked\", [])`; then `data.lists` has to be given.",
    ),
    CodeDoc::error(
        "rego-data",
        "the data of a policy in Rego cannot be used",
        "The data of a policy (`--data data.json`) are one JSON object, which the policy sees as `data`. They are read as strictly as the arguments of a call: no name twice in an object, no unpaired surrogate, no number that an engine would round.",
    ),
    CodeDoc::error(
        "rego-inexact",
        "a policy calculates, and is to be evaluated by OPA's module",
        "OPA's WebAssembly adds and multiplies in binary fractions, so that `0.1 + 0.2` is not `0.3`. Numbers are exact here, so a constraint with `+`, `-`, `*` or `sum` is not printed as Rego, and a policy that has one is not built with `--engine rego`.

    args.price + args.tax <= 100

Build the policy natively (`--engine native`): all else is the same. Or let the host pass the result as a fact, and compare that.",
    ),
];
