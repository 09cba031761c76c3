use hexgate_component::{DIGEST, EmbedError, MAX_PLAN, embed_plan, module_with_plan, plan_of};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use wasmparser::Validator;

use crate::support::{POLICY, compiled, shaped};

/// Around where lengths take another byte, and pages another page.
const LENGTHS: [usize; 16] = [
    12,
    13,
    63,
    64,
    65,
    127,
    128,
    16_383,
    16_384,
    31_000,
    31_100,
    65_535,
    65_536,
    65_537,
    1 << 20,
    (2 << 20) + 1,
];

#[test]
fn every_form_is_valid_for_plans_of_any_length() {
    for len in LENGTHS {
        let plan = shaped(len);
        for wasm in [embed_plan(&plan).unwrap(), module_with_plan(&plan).unwrap()] {
            if let Err(error) = Validator::new().validate_all(&wasm) {
                panic!("with a plan of {len} bytes: {error}");
            }
        }
    }
}

#[test]
fn the_plan_is_found_again_and_the_rest_does_not_depend_on_it() {
    for len in LENGTHS {
        let (plan, other) = (
            shaped(len),
            shaped(len)
                .iter()
                .map(|byte| byte ^ 0x55)
                .collect::<Vec<_>>(),
        );
        let component = embed_plan(&plan).unwrap();
        assert_eq!(plan_of(&component), Some(plan.as_slice()));
        let mut patched = component.clone();
        let at = component
            .windows(plan.len())
            .position(|window| window == plan)
            .unwrap();
        patched[at..at + len].copy_from_slice(&other);
        assert_eq!(
            plan_of(&patched),
            None,
            "a component whose plan has no header"
        );
        patched[at..at + 4].copy_from_slice(b"HXPL");
        patched[at + 8..at + 12].copy_from_slice(&(len as u32).to_le_bytes());
        assert_eq!(plan_of(&patched).map(<[u8]>::len), Some(len));
    }
}

#[test]
fn bytes_that_are_not_a_plan_are_refused() {
    let short = &shaped(12)[..11];
    let mut foreign = shaped(64);
    foreign[0] ^= 1;
    let mut longer = shaped(64);
    longer.push(0);
    for bytes in [&[], short, &foreign, &longer, &shaped(64)[..63]] {
        assert_eq!(embed_plan(bytes), Err(EmbedError::NotAPlan));
        assert_eq!(module_with_plan(bytes), Err(EmbedError::NotAPlan));
    }
}

#[test]
fn the_largest_plan_is_embedded_and_a_larger_one_is_not() {
    assert_eq!(
        plan_of(&embed_plan(&shaped(MAX_PLAN)).unwrap()).map(<[u8]>::len),
        Some(MAX_PLAN)
    );
    assert_eq!(
        embed_plan(&shaped(MAX_PLAN + 1)),
        Err(EmbedError::TooLarge { len: MAX_PLAN + 1 })
    );
}

#[test]
fn every_other_byte_outside_of_the_plan_makes_another_component() {
    let plan = compiled(POLICY);
    let component = embed_plan(&plan).unwrap();
    let at = component
        .windows(plan.len())
        .position(|window| window == plan)
        .unwrap();
    let mut changed = component.clone();
    for index in (0..at).chain(at + plan.len()..component.len()) {
        for flip in [0x01, 0x80] {
            changed[index] ^= flip;
            assert_eq!(
                plan_of(&changed),
                None,
                "byte {index} with {flip:#x} flipped"
            );
            changed[index] ^= flip;
        }
    }
    assert_eq!(plan_of(&changed), Some(plan.as_slice()));
}

#[test]
fn a_component_that_was_cut_or_lengthened_anywhere_is_another() {
    let plan = compiled(POLICY);
    let component = embed_plan(&plan).unwrap();
    for len in 0..component.len() {
        assert_eq!(plan_of(&component[..len]), None);
    }
    for at in (0..=component.len()).step_by(97).chain([component.len()]) {
        let mut longer = component.clone();
        longer.insert(at, 0);
        assert_eq!(plan_of(&longer), None, "a byte more at {at}");
        if at < component.len() {
            let mut shorter = component.clone();
            shorter.remove(at);
            assert_eq!(plan_of(&shorter), None, "a byte less at {at}");
        }
    }
}

#[test]
fn nothing_is_imported() {
    let imports = |wasm: &[u8]| {
        let mut names = Vec::new();
        for payload in wasmparser::Parser::new(0).parse_all(wasm) {
            match payload.unwrap() {
                wasmparser::Payload::ComponentImportSection(section) => {
                    names.extend(
                        section
                            .into_iter()
                            .map(|import| import.unwrap().name.name.to_owned()),
                    );
                }
                wasmparser::Payload::ModuleSection { .. }
                | wasmparser::Payload::ComponentSection { .. } => {}
                _ => {}
            }
        }
        names
    };
    // wit-component nests a component that exports an interface; it is given types and functions by import.
    let outer = |wasm: &[u8]| {
        imports(wasm)
            .into_iter()
            .filter(|name| !name.starts_with("import-"))
            .collect::<Vec<_>>()
    };
    let plan = compiled(POLICY);
    assert_eq!(outer(&embed_plan(&plan).unwrap()), Vec::<String>::new());
}

#[test]
fn the_digest_is_that_of_the_artifact() {
    let artifact = include_bytes!("../../artifact/engine.component.wasm");
    let digest: String = Sha256::digest(artifact)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // With the engine of another compiler the artifact is not the committed one.
    if std::env::var_os("HEXGATE_ENGINE_ARTIFACT").is_none() {
        assert_eq!(digest, DIGEST);
    }
}

/// What an engine may weigh: a host compiles it at load, so its size is load time. It may shrink, it must not grow unless a form of the
/// language asks for it: 4 KiB are for names that file systems take for the same, and for arguments that all readers read alike; 40 KiB
/// for several rules, patterns, forbids, grown scopes and conditions, and for their description.
const LARGEST_ENGINE: usize = 100 << 10;

#[test]
fn the_engine_does_not_grow() {
    let plan = shaped(64);
    let size = embed_plan(&plan).unwrap().len() - plan.len();
    assert!(size <= LARGEST_ENGINE, "the engine has {size} bytes");
}

#[test]
fn the_engine_names_nothing_that_a_panic_would_print() {
    let engine = module_with_plan(&shaped(12)).unwrap();
    for text in ["panicked", "src/", ".rs", "unwrap", "index out of", "/"] {
        let found = engine
            .windows(text.len())
            .position(|window| window == text.as_bytes());
        let interfaces = |at: usize| engine[..at].ends_with(b"hexgate:policy");
        assert!(found.is_none_or(interfaces), "the engine contains `{text}`");
    }
}

proptest! {
    #[test]
    fn whatever_the_plan_says_embedding_can_be_undone(body in proptest::collection::vec(any::<u8>(), 12..4096)) {
        let mut plan = body;
        plan[..4].copy_from_slice(b"HXPL");
        let len = plan.len() as u32;
        plan[8..12].copy_from_slice(&len.to_le_bytes());
        let component = embed_plan(&plan).unwrap();
        prop_assert_eq!(plan_of(&component), Some(plan.as_slice()));
        let core = module_with_plan(&plan).unwrap();
        prop_assert!(component.windows(core.len()).any(|window| window == core));
    }
}
