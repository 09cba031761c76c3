//! What a token can cost: every kind of operation and of data, with as much of it as fits into a token.
//!
//! The tokens are made of messages, byte by byte if need be, and not by the library: what a holder of a token appends is whatever he
//! likes. Each is refused, or verified and evaluated at once. `measured` says how long the longest takes:
//! `cargo test --release -p hexgate-enforce --test api costs::measured -- --ignored --nocapture`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use biscuit_auth::format::schema::{self, check, op, op_binary, op_unary, proof, term};
use biscuit_auth::{Algorithm, KeyPair, PrivateKey};
use hexgate_enforce::token::{Envelope, MAX_TOKEN_BYTES, TokenError, TokenVerifier};
use prost::Message;

/// What the library calls the head of a query, and the name of a user.
const QUERY: u64 = 27;
const USER: u64 = 10;
/// The first symbol that a token brings.
const OWN: u64 = 1024;

fn pair(byte: u8) -> KeyPair {
    KeyPair::from(&PrivateKey::from_bytes(&[byte; 32], Algorithm::Ed25519).unwrap())
}

fn issuer() -> TokenVerifier {
    let key = hexgate_compiler::bundle::PrivateKey::from_bytes(&[1; 32]).public_key();
    TokenVerifier::new([key], "live", "acme").unwrap()
}

fn block(symbols: &[String]) -> schema::Block {
    schema::Block {
        symbols: symbols.to_vec(),
        version: Some(6),
        ..schema::Block::default()
    }
}

/// A signed token of these blocks, whatever they say. None: it is longer than a token can be.
fn signed(blocks: &[Vec<u8>]) -> Option<Envelope> {
    let mut chain = Vec::new();
    for (number, data) in blocks.iter().enumerate() {
        let (own, next) = (pair(number as u8 + 1), pair(number as u8 + 2));
        let mut message = data.clone();
        message.extend(0_i32.to_le_bytes());
        message.extend(next.public().to_bytes());
        chain.push(schema::SignedBlock {
            block: data.clone(),
            next_key: schema::PublicKey {
                algorithm: 0,
                key: next.public().to_bytes(),
            },
            signature: own.sign(&message).unwrap().to_bytes().to_vec(),
            external_signature: None,
            version: None,
        });
    }
    let secret = pair(blocks.len() as u8 + 1).private().to_bytes().to_vec();
    let mut chain = chain.into_iter();
    let token = schema::Biscuit {
        root_key_id: None,
        authority: chain.next().unwrap(),
        blocks: chain.collect(),
        proof: schema::Proof {
            content: Some(proof::Content::NextSecret(secret)),
        },
    };
    envelope(&token.encode_to_vec())
}

fn envelope(bytes: &[u8]) -> Option<Envelope> {
    let text = format!("fty_live_acme_{}", URL_SAFE_NO_PAD.encode(bytes));
    (text.len() <= MAX_TOKEN_BYTES).then(|| Envelope::parse(&text).unwrap())
}

/// A token for Alice to which this was appended.
fn appended(last: schema::Block) -> Option<Envelope> {
    let mut alice = block(&["alice".to_owned()]);
    alice.facts = vec![fact(USER, vec![text(OWN)])];
    let blocks = [block(&[]), alice, last].map(|block| block.encode_to_vec());
    signed(&blocks)
}

fn content(content: term::Content) -> schema::Term {
    schema::Term {
        content: Some(content),
    }
}

fn text(number: u64) -> schema::Term {
    content(term::Content::String(number))
}

fn int(number: i64) -> schema::Term {
    content(term::Content::Integer(number))
}

fn variable(number: u32) -> schema::Term {
    content(term::Content::Variable(number))
}

fn set(set: Vec<schema::Term>) -> schema::Term {
    content(term::Content::Set(schema::TermSet { set }))
}

fn array(array: Vec<schema::Term>) -> schema::Term {
    content(term::Content::Array(schema::Array { array }))
}

fn map(members: impl Iterator<Item = i64>) -> schema::Term {
    let entries = members.map(|number| schema::MapEntry {
        key: schema::MapKey {
            content: Some(schema::map_key::Content::Integer(number)),
        },
        value: int(number),
    });
    content(term::Content::Map(schema::Map {
        entries: entries.collect(),
    }))
}

fn predicate(name: u64, terms: Vec<schema::Term>) -> schema::Predicate {
    schema::Predicate { name, terms }
}

fn fact(name: u64, terms: Vec<schema::Term>) -> schema::Fact {
    schema::Fact {
        predicate: predicate(name, terms),
    }
}

fn operation(content: op::Content) -> schema::Op {
    schema::Op {
        content: Some(content),
    }
}

fn value(term: schema::Term) -> schema::Op {
    operation(op::Content::Value(term))
}

fn unary(kind: i32) -> schema::Op {
    operation(op::Content::Unary(schema::OpUnary {
        kind,
        ffi_name: None,
    }))
}

fn binary(kind: i32) -> schema::Op {
    operation(op::Content::Binary(schema::OpBinary {
        kind,
        ffi_name: None,
    }))
}

fn kind(kind: op_binary::Kind) -> schema::Op {
    binary(kind as i32)
}

fn closure(ops: Vec<schema::Op>) -> schema::Op {
    let params = Vec::new();
    operation(op::Content::Closure(schema::OpClosure { params, ops }))
}

fn query(body: Vec<schema::Predicate>, expressions: Vec<Vec<schema::Op>>) -> schema::Rule {
    schema::Rule {
        head: predicate(QUERY, vec![]),
        body,
        expressions: expressions
            .into_iter()
            .map(|ops| schema::Expression { ops })
            .collect(),
        scope: vec![],
    }
}

fn checks(queries: impl IntoIterator<Item = schema::Rule>) -> Vec<schema::Check> {
    let check = |query| schema::Check {
        queries: vec![query],
        kind: None,
    };
    queries.into_iter().map(check).collect()
}

fn scopes(count: usize) -> Vec<schema::Scope> {
    let previous = schema::scope::ScopeType::Previous as i32;
    let scope = schema::Scope {
        content: Some(schema::scope::Content::ScopeType(previous)),
    };
    vec![scope; count]
}

/// A kind of data: its symbols, and a value of a size, of which no two are alike if the number differs.
type Data = (
    &'static str,
    fn(usize) -> Vec<String>,
    fn(usize, i64) -> schema::Term,
);

/// Texts have as many bytes, and the others as many members.
const DATA: [Data; 9] = [
    ("number", |_| vec![], |_, number| int(number)),
    (
        "date",
        |_| vec![],
        |_, number| content(term::Content::Date(number as u64)),
    ),
    ("text", |size| vec!["a".repeat(size)], |_, _| text(OWN + 1)),
    (
        "bytes",
        |_| vec![],
        |size, _| content(term::Content::Bytes(vec![7; size])),
    ),
    (
        "set of numbers",
        |_| vec![],
        |size, number| {
            set((0..size as i64)
                .map(|member| int(member * 1000 + number))
                .collect())
        },
    ),
    (
        "set of texts",
        |size| texts(size.min(400)),
        |size, _| {
            set((0..size.min(400) as u64)
                .map(|member| text(OWN + 1 + member))
                .collect())
        },
    ),
    (
        "array of numbers",
        |_| vec![],
        |size, number| array((0..size as i64).map(|_| int(number)).collect()),
    ),
    (
        "array of a text",
        |size| vec!["a".repeat(size)],
        |_, _| array(vec![text(OWN + 1); 8]),
    ),
    (
        "map",
        |_| vec![],
        |size, number| map((0..size as i64).map(|member| member * 1000 + number)),
    ),
];

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("t{number}")).collect()
}

/// A block that grows with a number.
struct Case {
    name: String,
    make: Box<dyn Fn(usize) -> Option<Envelope>>,
}

fn case(name: impl Into<String>, make: impl Fn(usize) -> Option<Envelope> + 'static) -> Case {
    Case {
        name: name.into(),
        make: Box::new(make),
    }
}

/// An operation, written behind its operands.
type Ops = fn(i32, schema::Term, schema::Term) -> Vec<schema::Op>;

/// Every operation with every kind of data, in every way in which it can be made to be a lot.
fn operations() -> Vec<Case> {
    let kinds = |known: fn(i32) -> bool| (0..).take_while(move |kind| known(*kind));
    let both: Ops = |kind, left, right| vec![value(left), value(right), binary(kind)];
    let one: Ops = |kind, left, _| vec![value(left), unary(kind)];
    // What is evaluated later, or not at all.
    let later: Ops = |kind, left, right| {
        let bool = content(term::Content::Bool(true));
        let inner = vec![
            value(left),
            value(right),
            self::kind(op_binary::Kind::HeterogeneousEqual),
        ];
        vec![value(bool), closure(inner), binary(kind)]
    };
    let mut ops: Vec<(String, i32, Ops)> = Vec::new();
    for kind in kinds(|kind| op_binary::Kind::from_i32(kind).is_some()) {
        let name = format!("{:?}", op_binary::Kind::from_i32(kind).unwrap());
        ops.push((format!("{name} later"), kind, later));
        ops.push((name, kind, both));
    }
    for kind in kinds(|kind| op_unary::Kind::from_i32(kind).is_some()) {
        let name = format!("{:?}", op_unary::Kind::from_i32(kind).unwrap());
        ops.push((name, kind, one));
    }
    assert_eq!(ops.len(), 65, "there are other operations than before");

    let mut cases = Vec::new();
    for (name, kind, ops) in ops {
        for (data, symbols, make) in DATA {
            let name = format!("{name}, {data}");
            cases.push(case(format!("{name}: once, large"), move |n| {
                let mut block = block(&symbols(n));
                block.checks = checks([query(vec![], vec![ops(kind, make(n, 1), make(n, 2))])]);
                appended(block)
            }));
            cases.push(case(format!("{name}: again and again"), move |n| {
                let size = 4_000 / n;
                let mut block = block(&symbols(size));
                let expression = |number| ops(kind, make(size, number), make(size, number + 1));
                block.checks =
                    checks((0..n as i64).map(|number| query(vec![], vec![expression(number)])));
                appended(block)
            }));
            cases.push(case(format!("{name}: one behind the other"), move |n| {
                // A text is written once however often it is named.
                let size = if data.contains("text") {
                    4_000
                } else {
                    2_000 / n
                };
                let mut block = block(&symbols(size));
                let mut chain = vec![value(make(size, 0))];
                for number in 1..=n as i64 {
                    let link = ops(kind, make(size, number), make(size, number));
                    chain.extend(link.into_iter().skip(1));
                }
                block.checks = checks([query(vec![], vec![chain])]);
                appended(block)
            }));
            cases.push(case(format!("{name}: of all facts"), move |n| {
                let size = 2_000 / n;
                let mut block = block(&symbols(size));
                let name = OWN + block.symbols.len() as u64 + 1;
                block.symbols.push("f".to_owned());
                block.facts = (0..n as i64)
                    .map(|number| fact(name, vec![make(size, number), int(number)]))
                    .collect();
                let one = |of: u32| predicate(name, vec![variable(of), variable(of + 1)]);
                block
                    .symbols
                    .extend(texts(5).into_iter().map(|text| format!("v{text}")));
                let first = name as u32 + 1;
                let expression = ops(kind, variable(first), variable(first + 2));
                block.checks = checks([query(vec![one(first), one(first + 2)], vec![expression])]);
                appended(block)
            }));
        }
    }
    cases
}

/// Everything else that a block can have a lot of.
fn structures() -> Vec<Case> {
    let facts = |n: usize, terms: fn(i64) -> Vec<schema::Term>| -> Vec<schema::Fact> {
        (0..n as i64)
            .map(|number| fact(OWN + 1, terms(number)))
            .collect()
    };
    let name = || {
        block(&[
            "f".to_owned(),
            "g".to_owned(),
            "v".to_owned(),
            "w".to_owned(),
            "x".to_owned(),
        ])
    };
    let falsehood = || vec![value(content(term::Content::Bool(false)))];
    let truth = || vec![value(content(term::Content::Bool(true)))];
    let mut cases = vec![
        case("facts", move |n| {
            appended(schema::Block {
                facts: facts(n, |number| vec![int(number)]),
                ..name()
            })
        }),
        case("facts without a message in them", move |n| {
            appended(schema::Block {
                facts: vec![schema::Fact::default(); n],
                ..block(&[])
            })
        }),
        case("roles", move |n| {
            let mut alice = block(&["alice".to_owned(), "r".repeat(6_000)]);
            alice.facts = vec![fact(USER, vec![text(OWN)])];
            alice
                .facts
                .extend((0..n).map(|_| fact(6, vec![text(OWN + 1)])));
            signed(&[block(&[]), alice].map(|block| block.encode_to_vec()))
        }),
        case("checks without queries", move |n| {
            appended(schema::Block {
                checks: vec![schema::Check::default(); n],
                ..block(&[])
            })
        }),
        case("queries without anything", move |n| {
            let check = schema::Check {
                queries: vec![schema::Rule::default(); n],
                kind: None,
            };
            appended(schema::Block {
                checks: vec![check],
                ..block(&[])
            })
        }),
        case("queries that do not hold", move |n| {
            let check = schema::Check {
                queries: vec![query(vec![], vec![falsehood()]); n],
                kind: None,
            };
            appended(schema::Block {
                checks: vec![check],
                ..block(&[])
            })
        }),
        case("expressions", move |n| {
            appended(schema::Block {
                checks: checks([query(vec![], vec![truth(); n])]),
                ..block(&[])
            })
        }),
        case("empty operations", move |n| {
            let ops = vec![schema::Op::default(); n];
            appended(schema::Block {
                checks: checks([query(vec![], vec![ops])]),
                ..block(&[])
            })
        }),
        case("values without an operation", move |n| {
            let ops = vec![value(int(1)); n];
            appended(schema::Block {
                checks: checks([query(vec![], vec![ops])]),
                ..block(&[])
            })
        }),
        case("names that are not there", move |n| {
            let body = vec![predicate(OWN + 2, vec![]); n];
            appended(schema::Block {
                checks: checks([query(body, vec![])]),
                facts: facts(64, |_| vec![]),
                ..name()
            })
        }),
        case("symbols", |n| {
            appended(block(
                &(0..n)
                    .map(|number| format!("{number:x}"))
                    .collect::<Vec<_>>(),
            ))
        }),
        case("empty symbols", |n| {
            appended(block(&vec![String::new(); n]))
        }),
        case("symbols, and many references", |n| {
            let mut block = block(
                &(0..n)
                    .map(|number| format!("{number:04}"))
                    .collect::<Vec<_>>(),
            );
            let last = OWN + n as u64;
            block.facts = (0..n as i64)
                .map(|number| fact(last, vec![text(last), int(number)]))
                .collect();
            appended(block)
        }),
        case("symbols, and many blocks", |n| {
            let mut alice = block(&["alice".to_owned()]);
            alice.facts = vec![fact(USER, vec![text(OWN)])];
            let mut blocks = vec![block(&[]), alice, block(&vec![String::new(); n])];
            blocks.resize(15, block(&[]));
            signed(
                &blocks
                    .iter()
                    .map(|block| block.encode_to_vec())
                    .collect::<Vec<_>>(),
            )
        }),
        case("one long symbol, and many references", |n| {
            let mut block = block(&["a".repeat(6_000)]);
            block.facts = vec![fact(OWN + 1, vec![text(OWN + 1); n])];
            appended(block)
        }),
        case("a check that fails, of a long text", move |n| {
            let mut block = block(&["a".repeat(6_000)]);
            let mut ops = falsehood();
            for _ in 0..n {
                ops.push(closure(vec![value(text(OWN + 1))]));
                ops.push(kind(op_binary::Kind::LazyAnd));
            }
            block.checks = checks([query(vec![], vec![ops])]);
            appended(block)
        }),
        case("a check that fails, of nested arrays", move |n| {
            let mut block = block(&["a".repeat(6_000)]);
            let mut nested = array(vec![text(OWN + 1); n]);
            for _ in 0..20 {
                nested = array(vec![nested]);
            }
            block.checks = checks([query(vec![], vec![vec![value(nested)], falsehood()])]);
            appended(block)
        }),
        case("a name that is a long text", |n| {
            let mut block = block(&["a".repeat(6_000)]);
            block.checks = checks([query(vec![predicate(OWN + 1, vec![]); n], vec![])]);
            appended(block)
        }),
        case("closures in closures", |n| {
            let mut ops = vec![value(content(term::Content::Bool(true)))];
            for _ in 0..n.min(40) {
                let payload = vec![value(int(1)); 64];
                ops = vec![
                    value(content(term::Content::Bool(true))),
                    closure(ops.into_iter().chain(payload).collect()),
                    kind(op_binary::Kind::LazyAnd),
                ];
            }
            appended(schema::Block {
                checks: checks([query(vec![], vec![ops])]),
                ..block(&[])
            })
        }),
        case("closures that are tried", |n| {
            let mut ops = vec![value(int(1))];
            for _ in 0..n {
                ops.push(closure(vec![
                    value(int(1)),
                    value(int(0)),
                    kind(op_binary::Kind::Div),
                ]));
                ops.push(kind(op_binary::Kind::TryOr));
            }
            appended(schema::Block {
                checks: checks([query(vec![], vec![ops])]),
                ..block(&[])
            })
        }),
        case("arrays in arrays", |n| {
            let mut nested = array(vec![]);
            for _ in 0..n.min(45) {
                nested = array(vec![nested.clone(), int(1)]);
            }
            let equal = vec![
                value(nested.clone()),
                value(nested),
                kind(op_binary::Kind::Equal),
            ];
            appended(schema::Block {
                checks: checks([query(vec![], vec![equal])]),
                ..block(&[])
            })
        }),
        case(
            "scopes of the root's block, for each of its checks",
            move |n| {
                let mut root = block(&[]);
                root.scope = scopes(n);
                root.checks = vec![
                    schema::Check {
                        queries: vec![query(vec![], vec![truth()])],
                        kind: None
                    };
                    400
                ];
                let mut alice = block(&["alice".to_owned()]);
                alice.facts = vec![fact(USER, vec![text(OWN)])];
                signed(&[root, alice].map(|block| block.encode_to_vec()))
            },
        ),
        case("scopes of a block", |n| {
            appended(schema::Block {
                scope: scopes(n),
                ..block(&[])
            })
        }),
        case("scopes of queries", move |n| {
            let query = schema::Rule {
                scope: scopes(64),
                ..query(vec![], vec![truth()])
            };
            appended(schema::Block {
                checks: checks(vec![query; n]),
                ..block(&[])
            })
        }),
        case("rules", move |n| {
            appended(schema::Block {
                rules: vec![schema::Rule::default(); n],
                ..block(&[])
            })
        }),
        case("public keys", |n| {
            let keys = (0..n).map(|number| schema::PublicKey {
                algorithm: 0,
                key: pair((number % 250) as u8).public().to_bytes(),
            });
            appended(schema::Block {
                public_keys: keys.collect(),
                ..block(&[])
            })
        }),
        case("a long context", |n| {
            appended(schema::Block {
                context: Some("c".repeat(n)),
                ..block(&[])
            })
        }),
        case("blocks", |n| {
            let mut alice = block(&["alice".to_owned()]);
            alice.facts = vec![fact(USER, vec![text(OWN)])];
            let mut blocks = vec![block(&[]), alice];
            blocks.resize(n.max(2), block(&[]));
            let blocks: Vec<_> = blocks.iter().map(|block| block.encode_to_vec()).collect();
            (blocks.len() < 250).then(|| signed(&blocks)).flatten()
        }),
        case("blocks of which nobody signed any", |n| {
            let token = schema::Biscuit {
                blocks: vec![schema::SignedBlock::default(); n],
                ..schema::Biscuit::default()
            };
            envelope(&token.encode_to_vec())
        }),
        case("bytes that are no message", |n| envelope(&vec![0xff; n])),
        case("bytes that are one empty message after the other", |n| {
            envelope(&[0x1a, 0].repeat(n))
        }),
    ];
    // Checks of each kind, over one to four names of which there are many facts.
    for (kind, of) in [
        (None, "if"),
        (Some(check::Kind::All), "all"),
        (Some(check::Kind::Reject), "reject"),
    ] {
        for width in 1..=4_usize {
            cases.push(case(format!("check {of} over {width} names"), move |n| {
                let mut block = schema::Block {
                    facts: facts(n, |number| vec![int(number)]),
                    ..name()
                };
                let body = (0..width as u32)
                    .map(|of| predicate(OWN + 1, vec![variable(OWN as u32 + 1 + of)]));
                let never = vec![
                    value(variable(OWN as u32 + 1)),
                    value(int(-1)),
                    self::kind(op_binary::Kind::LessThan),
                ];
                let query = query(body.collect(), vec![never]);
                block.checks = vec![schema::Check {
                    queries: vec![query],
                    kind: kind.map(|kind| kind as i32),
                }];
                appended(block)
            }));
        }
    }
    // Facts that are large, each of which is copied for each combination, and compared with a large one.
    for (data, symbols, make) in DATA {
        cases.push(case(format!("facts that are large, {data}"), move |n| {
            let size = 4_000 / n;
            let mut block = block(&symbols(size));
            let name = OWN + 1 + block.symbols.len() as u64;
            block
                .symbols
                .extend(["f", "v", "w", "x"].map(str::to_owned));
            block.facts = (0..n as i64)
                .map(|number| fact(name, vec![make(size, number)]))
                .collect();
            let body = |of: u32| predicate(name, vec![variable(name as u32 + of)]);
            block.checks = checks([query(
                vec![body(1), body(2), predicate(name, vec![make(size, 1)])],
                vec![],
            )]);
            appended(block)
        }));
    }
    cases
}

fn verify(issuer: &TokenVerifier, envelope: &Envelope) -> (Duration, Result<u64, TokenError>) {
    let now: SystemTime = UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    let begin = Instant::now();
    let verified = issuer.verify(envelope, now);
    (begin.elapsed(), verified.map(|token| token.steps()))
}

#[test]
fn nothing_that_fits_into_a_token_keeps_a_host_busy() {
    let issuer = issuer();
    for Case { name, make } in operations().into_iter().chain(structures()) {
        let mut refused = false;
        for n in [64, 1024] {
            let Some(envelope) = make(n) else { continue };
            let (took, verified) = verify(&issuer, &envelope);
            // Not a measurement: unbounded, the worst of them would not end, in a build without optimisation on a machine that is busy.
            assert!(took < Duration::from_secs(5), "{name}, {n}: {took:?}");
            let costs = matches!(
                verified,
                Err(TokenError::Costly { .. }
                    | TokenError::Unsupported { .. }
                    | TokenError::TooLarge { .. })
            );
            // More of the same is not less.
            assert!(!refused || verified.is_err(), "{name}, {n}");
            refused |= costs;
        }
    }
}

#[test]
fn what_is_not_accepted_is_named() {
    let issuer = issuer();
    let refused = |block| {
        let (_, verified) = verify(&issuer, &appended(block).unwrap());
        verified.unwrap_err().to_string()
    };
    let with = |ops| schema::Block {
        checks: checks([query(vec![], vec![ops])]),
        ..block(&["a".to_owned()])
    };
    let two = |kind| {
        with(vec![
            value(text(OWN + 1)),
            value(text(OWN + 1)),
            self::kind(kind),
        ])
    };
    for (block, why) in [
        (two(op_binary::Kind::Regex), "a regular expression"),
        (two(op_binary::Kind::Ffi), "a function of the host"),
        (
            with(vec![value(int(1)), unary(op_unary::Kind::Ffi as i32)]),
            "a function of the host",
        ),
        (
            // Wherever it stands.
            with(vec![
                value(content(term::Content::Bool(true))),
                closure(vec![
                    value(text(OWN + 1)),
                    value(text(OWN + 1)),
                    kind(op_binary::Kind::Regex),
                ]),
                kind(op_binary::Kind::LazyOr),
            ]),
            "a regular expression",
        ),
    ] {
        let error = refused(block);
        assert!(error.contains("block 2") && error.contains(why), "{error}");
    }
    let key = schema::PublicKey {
        algorithm: 0,
        key: pair(9).public().to_bytes(),
    };
    let error = refused(schema::Block {
        public_keys: vec![key],
        ..block(&[])
    });
    assert!(
        error.contains("block 2 of the token has public keys"),
        "{error}"
    );
    // A key that takes ten times as long to verify with.
    let other = KeyPair::from(&PrivateKey::from_bytes(&[3; 32], Algorithm::Secp256r1).unwrap());
    let token = biscuit_auth::Biscuit::builder().build(&pair(1)).unwrap();
    let user = biscuit_auth::BlockBuilder::new()
        .code("user(\"alice\")")
        .unwrap();
    let token = token.append_with_keypair(&other, user).unwrap();
    let (_, verified) = verify(&issuer, &envelope(&token.to_vec().unwrap()).unwrap());
    let error = verified.unwrap_err().to_string();
    assert!(
        error.contains("block 1") && error.contains("Ed25519"),
        "{error}"
    );
}

/// The longest of all, by what comes of it.
#[test]
#[ignore = "a measurement: of a release build"]
fn measured() {
    let issuer = issuer();
    let mut longest: BTreeMap<&str, Vec<(Duration, String)>> = BTreeMap::new();
    for Case { name, make } in operations().into_iter().chain(structures()) {
        for n in (1..12).map(|power| 1 << power) {
            let Some(envelope) = make(n) else { continue };
            let (mut took, verified) = verify(&issuer, &envelope);
            // The best of several: other programs run as well.
            for _ in 0..if took > Duration::from_millis(1) {
                5
            } else {
                0
            } {
                took = took.min(verify(&issuer, &envelope).0);
            }
            let (what, steps) = match verified {
                Ok(steps) => ("accepted", steps),
                Err(TokenError::Check { .. } | TokenError::Expired { .. }) => {
                    ("evaluated, false", 0)
                }
                Err(TokenError::Evaluation { .. }) => ("evaluated, an error", 0),
                Err(_) => ("refused", 0),
            };
            let line = format!(
                "{name}, {n}: {steps} steps, {} bytes",
                envelope.expose().len()
            );
            longest.entry(what).or_default().push((took, line));
        }
    }
    for (what, mut all) in longest {
        all.sort();
        println!("{what}: {} tokens, the longest", all.len());
        for (took, line) in all.iter().rev().take(25) {
            println!("  {took:?}  {line}");
        }
    }
}
