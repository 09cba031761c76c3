//! Messages to and from the gateway: looking ends, and what is let through means the same once it was read and written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp::exact;
use serde_json::Value;

/// The reader alone. Its package brings the runtime of policies along.
#[path = "../../../host/mcp/src"]
#[allow(dead_code, reason = "the gateway around it is missing")]
mod mcp {
    pub mod exact;
}

fuzz_target!(|bytes: &[u8]| {
    let _ = exact::id(bytes);
    let text = std::str::from_utf8(bytes);
    let message = exact::message(bytes);
    let answer = exact::answer(bytes);
    if message.is_err() {
        let refusal = message.as_ref().expect_err("it is refused").error();
        assert!(!refusal.message.is_empty());
    }
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        assert!(
            message.is_err() && answer.is_err(),
            "no JSON is let through"
        );
        return;
    };
    // Whoever speaks for a client is held to more than a server.
    assert!(message.is_err() || answer.is_ok());
    if message.is_err() {
        return;
    }
    assert!(value.is_object(), "{value}");
    let is_asked = value.get("method").is_some_and(Value::is_string);
    let has_id = value.get("id").is_some_and(|id| !id.is_null());
    let told = value["method"]
        .as_str()
        .is_some_and(|it| it.starts_with("notifications/"));
    assert!(!is_asked || has_id || told, "a request without an id");
    // What is decided is what is sent: writing it again changes nothing any more.
    let written = value.to_string();
    assert_eq!(exact::message(written.as_bytes()), Ok(()));
    let object = exact::object(&written).expect("it is written as it was read");
    assert_eq!(Value::Object(object), value);
    assert!(text.is_ok());
});
