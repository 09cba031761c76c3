//! Whether the Rust and the WIT say the same. Every type is taken apart with all of its fields or cases, so that one more in Rust does not
//! compile, and one more in the WIT differs.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use std::path::Path;

use wit_parser::{Interface, Resolve, Type, TypeDefKind};

use crate::{names::*, *};

extern crate std;

/// The contract as lines: for each type its kind, for each member its name and type.
type Shape = BTreeMap<String, Vec<String>>;

/// What a type of Rust is called in WIT.
trait InWit {
    fn name() -> String;
}

macro_rules! named {
    ($($type:ty $(where $parameter:ident)? => $name:expr;)*) => {$(
        impl$(<$parameter: InWit>)? InWit for $type {
            fn name() -> String {
                $name.into()
            }
        }
    )*};
}

named! {
    u32 => "u32";
    u64 => "u64";
    &str => "string";
    String => "string";
    Effect => "mode";
    Request<'_> => "request";
    PathScope => "path-scope";
    Denial => "denial";
    Grant => "grant";
    Field => "field";
    Malformed => "malformed";
    Exceeded => "exceeded";
    Coverage => "coverage";
    Limits => "limits";
    bool => "bool";
    NeededApproval => "needed-approval";
    PathStyle => "path-style";
    Exclusion => "exclusion";
    Tools => "tools";
    Option<T> where T => format!("option<{}>", T::name());
    Vec<T> where T => format!("list<{}>", T::name());
    &[T] where T => format!("list<{}>", T::name());
}

// Through these the parameters of the types are known.
type Asked = Request<'static>;
type Failed = Error;
type Whole = Summary;
type Which = Tools;

macro_rules! record {
    ($type:ident { $($field:ident),* }) => {{
        // One field more does not compile.
        let _ = |it: $type| {
            let $type { $($field: _),* } = it;
        };
        vec![String::from("record"), $(member(stringify!($field), |it: $type| it.$field)),*]
    }};
}

macro_rules! variant {
    ($type:ident { $([$bare:ident = $bare_name:literal],)* $($case:ident($payload:literal)),* }) => {{
        // One case more does not compile.
        let _ = |it: $type| match it {
            $($type::$bare => {})*
            $($type::$case(_) => {}),*
        };
        vec![String::from("variant"), $(String::from($bare_name),)* $(payload($payload, $type::$case)),*]
    }};
}

fn member<S, T: InWit>(name: &str, _: fn(S) -> T) -> String {
    format!("{}: {}", name.replace('_', "-"), T::name())
}

fn payload<P: InWit, T>(name: &str, _: fn(P) -> T) -> String {
    format!("{name}({})", P::name())
}

macro_rules! enumeration {
    ($type:ident { $($case:ident),* } $name:ident) => {{
        // One case more does not compile.
        let _ = |it: $type| match it {
            $($type::$case => {}),*
        };
        assert_eq!($type::ALL, [$($type::$case),*]);
        let names = $type::ALL.into_iter().enumerate().map(|(index, case)| {
            assert_eq!(case as usize, index);
            String::from(case.$name())
        });
        [String::from("enum")].into_iter().chain(names).collect()
    }};
}

fn rust() -> Shape {
    [
        (
            "request",
            record!(Asked {
                roles,
                tool,
                arguments,
                facts
            }),
        ),
        (
            "path-scope",
            record!(PathScope {
                allowed,
                denied,
                except
            }),
        ),
        (
            "denial",
            record!(Denial {
                reason,
                violations,
                hint,
                message
            }),
        ),
        ("grant", record!(Grant { role, scope })),
        (
            "needed-approval",
            record!(NeededApproval {
                grant,
                terms,
                message
            }),
        ),
        (
            "verdict",
            variant!(Verdict { Deny("deny"), NeedsApproval("needs-approval"), Allow("allow") }),
        ),
        (
            "field",
            enumeration!(Field { Roles, Tool, Arguments, Facts } as_str),
        ),
        (
            "malformed",
            record!(Malformed {
                field,
                offset,
                reason
            }),
        ),
        ("exceeded", record!(Exceeded { limit, allowed })),
        (
            "error",
            variant!(Failed { Malformed("malformed"), Exceeded("exceeded"), Internal("internal") }),
        ),
        (
            "coverage",
            enumeration!(Coverage { Complete, Opaque } as_str),
        ),
        (
            "limits",
            record!(Limits {
                arguments_bytes,
                facts_bytes
            }),
        ),
        (
            "summary",
            record!(Whole {
                coverage,
                source_digest,
                compiler,
                roles,
                scopes,
                terms,
                limits,
                facts,
                description
            }),
        ),
        (
            "mode",
            enumeration!(Effect { Deny, NeedsApproval, Allow } in_wit),
        ),
        ("role", record!(Role { name, description })),
        (
            "tools",
            variant!(Which { [Unlisted = "unlisted"], Exact("exact"), Pattern("pattern") }),
        ),
        (
            "rule",
            record!(Rule {
                tools,
                mode,
                constraints,
                scope,
                terms,
                message,
                description
            }),
        ),
        (
            "forbid",
            record!(Forbid {
                tools,
                constraints,
                scope,
                message,
                description
            }),
        ),
        (
            "path-style",
            enumeration!(PathStyle { Posix, Windows } as_str),
        ),
        ("exclusion", record!(Exclusion { paths, style })),
        (
            "file-scope",
            record!(FileScope {
                arguments,
                search,
                paths,
                style,
                exclusions
            }),
        ),
        (
            "approval-terms",
            record!(ApprovalTerms {
                roles,
                expires,
                approvers,
                reason_required
            }),
        ),
    ]
    .into_iter()
    .map(|(name, lines)| (name.into(), lines))
    .collect()
}

fn name_in(resolve: &Resolve, ty: &Type) -> String {
    let id = match ty {
        Type::Id(id) => *id,
        Type::U32 => return "u32".into(),
        Type::U64 => return "u64".into(),
        Type::Bool => return "bool".into(),
        Type::String => return "string".into(),
        other => return format!("{other:?}"),
    };
    let definition = &resolve.types[id];
    match (&definition.name, &definition.kind) {
        (Some(name), _) => name.clone(),
        (None, TypeDefKind::Option(ty)) => format!("option<{}>", name_in(resolve, ty)),
        (None, TypeDefKind::List(ty)) => format!("list<{}>", name_in(resolve, ty)),
        (None, other) => format!("{other:?}"),
    }
}

/// The types that an interface defines, without those that it uses of another.
fn add(shape: &mut Shape, resolve: &Resolve, interface: &Interface) {
    for (name, id) in &interface.types {
        let lines: Vec<String> = match &resolve.types[*id].kind {
            TypeDefKind::Type(_) => continue,
            TypeDefKind::Record(record) => [String::from("record")]
                .into_iter()
                .chain(
                    record
                        .fields
                        .iter()
                        .map(|field| format!("{}: {}", field.name, name_in(resolve, &field.ty))),
                )
                .collect(),
            TypeDefKind::Variant(variant) => [String::from("variant")]
                .into_iter()
                .chain(variant.cases.iter().map(|case| match &case.ty {
                    Some(ty) => format!("{}({})", case.name, name_in(resolve, ty)),
                    None => case.name.clone(),
                }))
                .collect(),
            TypeDefKind::Enum(cases) => [String::from("enum")]
                .into_iter()
                .chain(cases.cases.iter().map(|case| case.name.clone()))
                .collect(),
            other => vec![format!("{other:?}")],
        };
        assert_eq!(shape.insert(name.clone(), lines), None, "{name}");
    }
}

#[test]
fn the_rust_says_what_the_wit_says() {
    let mut resolve = Resolve::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy");
    let (package, _) = resolve.push_dir(folder).unwrap();
    assert_eq!(resolve.packages[package].name.to_string(), PACKAGE);
    let version = resolve.packages[package].name.version.clone();
    assert_eq!(version.unwrap().to_string(), VERSION);

    let mut shape = Shape::new();
    let mut functions = Vec::new();
    let interfaces = &resolve.packages[package].interfaces;
    for id in interfaces.values() {
        let interface = &resolve.interfaces[*id];
        add(&mut shape, &resolve, interface);
        let name = resolve.id_of(*id).unwrap();
        for function in interface.functions.keys() {
            functions.push((name.clone(), function.clone(), format!("{name}#{function}")));
        }
    }
    assert_eq!(rust(), shape);
    let ours = FUNCTIONS.map(|it| (it.interface.into(), it.name.into(), it.core.into()));
    assert_eq!(functions, ours);

    let worlds: Vec<&String> = resolve.packages[package].worlds.keys().collect();
    assert_eq!(worlds.len(), 1);
    assert_eq!(WORLD, format!("hexgate:policy/{}", worlds[0]));
    let world = &resolve.worlds[resolve.packages[package].worlds[0]];
    assert!(world.imports.is_empty());
    let exports: Vec<String> = world
        .exports
        .keys()
        .map(|key| resolve.name_world_key(key))
        .collect();
    assert_eq!(exports, [DECISION, DESCRIPTION]);
}

#[test]
fn names_are_quoted_as_json_in_one_line() {
    assert_eq!(
        approval("pay"),
        r#"Policy requires approval for tool "pay""#
    );
    assert_eq!(denied("a\"b\\c"), r#"Policy denied tool "a\"b\\c""#);
    assert_eq!(denied("größe"), r#"Policy denied tool "größe""#);
    assert_eq!(
        denied("a\nb\u{1f}\0"),
        r#"Policy denied tool "a\u000ab\u001f\u0000""#
    );
}
