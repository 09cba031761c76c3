//! The file of accepted tools: reading ends, and no tool is accepted whose text and digest the file does not have.
#![no_main]

use std::cell::LazyCell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mcp::pins::{PinnedTool, Pins, Standing};
use mcp::visible;
use rmcp::model::Tool;
use serde_json::{Value, json};

/// The reader alone. Its package brings the runtime of policies along.
#[path = "../../../host/mcp/src"]
#[allow(dead_code, unused_imports, reason = "the gateway around it is missing")]
mod mcp {
    pub mod pins;
    pub mod visible;
}

thread_local! {
    /// A folder that others cannot write to.
    static FOLDER: LazyCell<PathBuf> = LazyCell::new(|| {
        let folder = std::env::temp_dir().join(format!("hexgate-fuzz-pins-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("a folder of its own");
        folder
    });
}

/// The tool of the seeds.
fn tool() -> Tool {
    let Value::Object(schema) = json!({"type": "object"}) else {
        unreachable!()
    };
    Tool::new("echo", "Says it again.", Arc::new(schema))
}

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.with(|folder| folder.join("pins.json"));
    fs::write(&path, bytes).expect("a file");
    let Ok(pins) = Pins::open(&path) else {
        return;
    };
    let tool = tool();
    let pinned = PinnedTool::of(&tool).expect("it can be pinned");
    let text = String::from_utf8_lossy(bytes);
    for server in ["files", "", "a\u{200b}"] {
        let is_known = pins.knows(server).expect("it was read");
        match pins.check(server, &tool).expect("it was read") {
            Standing::Pinned => {
                assert!(is_known);
                assert!(text.contains(&pinned.digest().to_string()));
            }
            Standing::Changed(how) => assert!(is_known && !how.is_empty()),
            Standing::New => {}
        }
    }
    // What is read is written as it was.
    let of_other = pins.accept("other", std::slice::from_ref(&tool));
    assert!(of_other.is_ok(), "{of_other:?}");
    let again = Pins::open(&path).expect("what was written is read");
    assert_eq!(again.check("other", &tool).ok(), Some(Standing::Pinned));
    assert_eq!(
        again.check("files", &tool).ok(),
        pins.check("files", &tool).ok()
    );
});
