//! Digests that are worked out and compared while rustc runs: here a panic is an error of the compiler.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "evaluated while rustc runs, in constants alone"
)]

use hexgate_eval::plan::layout::header;
use sha2_const_stable::Sha256;

/// Whether a plan was compiled from a YAML policy: it holds the digest of its source.
pub const fn is_compiled_from(plan: &[u8], yaml: &[u8]) -> bool {
    // The compiler leaves a byte-order mark out of what it reads.
    let yaml = match yaml {
        [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        _ => yaml,
    };
    let digest = Sha256::new().update(yaml).finalize();
    let mut index = 0;
    while index < digest.len() {
        let at = header::SOURCE_DIGEST + index;
        if at >= plan.len() || plan[at] != digest[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// The digest that a text of 64 hexadecimal digits says; zeros for none.
pub const fn digest(text: Option<&str>) -> [u8; 32] {
    let mut digest = [0; 32];
    let Some(text) = text else { return digest };
    let text = text.as_bytes();
    assert!(
        text.len() == 64,
        "`HEXGATE_SOURCE_DIGEST` must be 64 hexadecimal digits"
    );
    let mut index = 0;
    while index < 32 {
        digest[index] = hexadecimal(text[2 * index]) << 4 | hexadecimal(text[2 * index + 1]);
        index += 1;
    }
    digest
}

const fn hexadecimal(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => panic!("`HEXGATE_SOURCE_DIGEST` must be 64 hexadecimal digits"),
    }
}
