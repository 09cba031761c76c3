//! Pinned catalogues.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use hexgate_mcp::pins::{FirstUse, Kind, MAX_TOOL_BYTES, Pins, PinsError, Standing};
use rmcp::model::Tool;
use serde_json::{Value, json};

fn tool(value: Value) -> Tool {
    serde_json::from_value(value).unwrap()
}

fn reader() -> Value {
    json!({
        "name": "read",
        "title": "Read",
        "description": "Reads a file.\nNothing else.",
        "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
        "outputSchema": {"type": "object"},
        "annotations": {"readOnlyHint": true},
        "_meta": {"vendor": 1},
    })
}

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pins.json");
        Self {
            _folder: folder,
            path,
        }
    }

    fn pins(&self) -> Pins {
        Pins::open(&self.path).unwrap()
    }
}

#[test]
fn a_tool_is_refused_until_it_is_accepted_and_again_when_it_changes() {
    let place = Place::new();
    let pins = place.pins();
    let read = tool(reader());
    assert_eq!(pins.check("docs", &read).unwrap(), Standing::New);
    assert!(!pins.knows("docs").unwrap());
    pins.accept("docs", std::slice::from_ref(&read)).unwrap();
    assert_eq!(pins.check("docs", &read).unwrap(), Standing::Pinned);
    // A pin is of one server.
    assert_eq!(pins.check("other", &read).unwrap(), Standing::New);

    for (pointer, changed) in [
        ("/title", json!("Write")),
        ("/description", json!("Reads a file.\nNothing else. ")),
        ("/inputSchema/properties/path/type", json!("number")),
        ("/inputSchema/required", json!([])),
        ("/outputSchema/type", json!("array")),
        ("/annotations/readOnlyHint", json!(false)),
        ("/_meta/vendor", json!(2)),
    ] {
        let mut value = reader();
        *value.pointer_mut(pointer).unwrap() = changed;
        let Standing::Changed(text) = pins.check("docs", &tool(value)).unwrap() else {
            panic!("{pointer} may change unseen");
        };
        assert!(text.contains("\n-") && text.contains("\n+"), "{text}");
    }
    for pointer in [
        "title",
        "outputSchema",
        "annotations",
        "_meta",
        "description",
    ] {
        let mut value = reader();
        value.as_object_mut().unwrap().remove(pointer);
        assert!(matches!(
            pins.check("docs", &tool(value)).unwrap(),
            Standing::Changed(_)
        ));
    }
}

#[test]
fn the_order_of_members_is_no_change() {
    let place = Place::new();
    let pins = place.pins();
    pins.accept("docs", &[tool(reader())]).unwrap();
    let text = r#"{"_meta": {"vendor": 1}, "outputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true},
        "inputSchema": {"required": ["path"], "properties": {"path": {"type": "string"}}, "type": "object"},
        "description": "Reads a file.\nNothing else.", "title": "Read", "name": "read"}"#;
    let same: Tool = serde_json::from_str(text).unwrap();
    assert_eq!(pins.check("docs", &same).unwrap(), Standing::Pinned);
}

#[test]
fn a_difference_shows_what_nobody_sees() {
    let place = Place::new();
    let pins = place.pins();
    pins.accept(
        "docs",
        &[
            tool(reader()),
            tool(json!({"name": "gone", "inputSchema": {}})),
        ],
    )
    .unwrap();
    let mut value = reader();
    value["description"] =
        json!("Reads a file.\nNothing else.\u{200b}\u{e0041}\u{1b}[2K\n+ forged");
    let differences = pins
        .differences(
            "docs",
            &[
                tool(value),
                tool(json!({"name": "new\u{202e}", "inputSchema": {}})),
            ],
        )
        .unwrap();
    let kinds: Vec<_> = differences
        .iter()
        .map(|d| (d.name.as_str(), d.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            ("gone", Kind::Gone),
            ("new\\u{202e}", Kind::New),
            ("read", Kind::Changed)
        ]
    );
    let text = &differences[2].text;
    assert!(text.contains(r#"+  "description": "Reads a file.\nNothing else.\u{200b}\u{e0041}\u001b[2K\n+ forged","#), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("+ forged")));
    assert!(
        text.chars()
            .all(|c| c == '\n' || hexgate_base::is_printable(c))
    );
    assert!(
        pins.differences("docs", &[tool(reader())])
            .unwrap()
            .iter()
            .all(|d| d.kind == Kind::Gone)
    );
}

#[test]
fn what_another_process_accepts_counts_at_the_next_check() {
    let place = Place::new();
    let (gateway, operator) = (place.pins(), place.pins());
    let read = tool(reader());
    assert_eq!(gateway.check("docs", &read).unwrap(), Standing::New);
    operator
        .accept("docs", std::slice::from_ref(&read))
        .unwrap();
    assert_eq!(gateway.check("docs", &read).unwrap(), Standing::Pinned);
    operator.accept("docs", &[]).unwrap();
    assert_eq!(gateway.check("docs", &read).unwrap(), Standing::New);
    assert!(gateway.knows("docs").unwrap());
    fs::remove_file(&place.path).unwrap();
    assert!(!gateway.knows("docs").unwrap());
}

#[test]
fn several_processes_that_accept_lose_nothing() {
    let place = Place::new();
    let servers: Vec<String> = (0..8).map(|n| format!("server{n}")).collect();
    std::thread::scope(|scope| {
        for server in &servers {
            let pins = place.pins();
            scope.spawn(move || pins.accept(server, &[tool(reader())]).unwrap());
        }
    });
    let pins = place.pins();
    for server in &servers {
        assert_eq!(
            pins.check(server, &tool(reader())).unwrap(),
            Standing::Pinned
        );
    }
    assert_eq!(
        fs::metadata(&place.path).unwrap().permissions().mode() & 0o133,
        0
    );
}

#[test]
fn the_first_use_is_refused_unless_it_is_said() {
    let place = Place::new();
    let pins = place.pins();
    let (read, other) = (
        tool(reader()),
        tool(json!({"name": "other", "inputSchema": {}})),
    );
    let first = std::slice::from_ref(&read);
    assert!(
        !pins
            .accept_first("docs", first, FirstUse::default())
            .unwrap()
    );
    assert_eq!(pins.check("docs", &read).unwrap(), Standing::New);
    assert!(pins.accept_first("docs", first, FirstUse::Accept).unwrap());
    assert_eq!(pins.check("docs", &read).unwrap(), Standing::Pinned);
    // A tool that comes later is not of the first use.
    assert!(
        !pins
            .accept_first("docs", &[read, other.clone()], FirstUse::Accept)
            .unwrap()
    );
    assert_eq!(pins.check("docs", &other).unwrap(), Standing::New);
    // Nor is one of a server that had none.
    pins.accept("empty", &[]).unwrap();
    assert!(
        !pins
            .accept_first("empty", &[other], FirstUse::Accept)
            .unwrap()
    );
}

#[test]
fn a_file_that_cannot_be_trusted_pins_nothing() {
    let place = Place::new();
    let pins = place.pins();
    let read = tool(reader());
    pins.accept("docs", std::slice::from_ref(&read)).unwrap();
    let good = fs::read(&place.path).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    for (bad, reason) in [
        (String::new(), "EOF"),
        ("{}".into(), "version"),
        (
            text.replace("\"version\": 1", "\"version\": 2"),
            "version 2 is not known",
        ),
        (text.replace("Reads a file", "Mails a file"), "digest"),
        (
            text.replace("\"servers\"", "\"more\": 1, \"servers\""),
            "unknown field",
        ),
        (text[..text.len() / 2].to_owned(), "EOF"),
        (
            text.replace("\\\"name\\\": \\\"read\\\"", "\\\"name\\\":  \\\"read\\\""),
            "spelling",
        ),
    ] {
        assert_ne!(bad, text);
        fs::write(&place.path, bad).unwrap();
        let error = pins.check("docs", &read).unwrap_err();
        assert!(matches!(error, PinsError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(error.to_string().contains("hexgate mcp pin"), "{error}");
        assert!(
            pins.accept("docs", &[]).is_err(),
            "a damaged file must not be written over"
        );
        assert!(Pins::open(&place.path).is_err());
    }
    fs::write(&place.path, &good).unwrap();
    assert_eq!(pins.check("docs", &read).unwrap(), Standing::Pinned);

    for mode in [0o622, 0o606] {
        fs::set_permissions(&place.path, Permissions::from_mode(mode)).unwrap();
        let checked = pins.check("docs", &read);
        if mode & 0o022 != 0 && mode & 0o002 != 0 {
            let error = checked.unwrap_err();
            assert!(matches!(error, PinsError::Exposed { .. }), "{error}");
            assert!(error.to_string().contains("chmod go-w"), "{error}");
        }
    }
    fs::remove_file(&place.path).unwrap();
    let elsewhere = place.path.with_file_name("elsewhere");
    fs::write(&elsewhere, &good).unwrap();
    symlink(&elsewhere, &place.path).unwrap();
    assert!(
        pins.check("docs", &read)
            .unwrap_err()
            .to_string()
            .contains("symbolic link")
    );
    fs::remove_file(&place.path).unwrap();
    fs::create_dir(&place.path).unwrap();
    assert!(pins.check("docs", &read).is_err());
    assert!(Pins::open(Path::new("/nowhere/at/all/pins.json")).is_err());
}

#[test]
fn a_folder_that_others_can_write_is_refused() {
    let place = Place::new();
    let folder = place.path.parent().unwrap();
    fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
    let error = Pins::open(&place.path).unwrap_err();
    assert!(matches!(error, PinsError::Exposed { .. }), "{error}");
}

#[test]
fn catalogues_are_bounded() {
    let place = Place::new();
    let pins = place.pins();
    let mut huge = reader();
    huge["description"] = json!("x".repeat(MAX_TOOL_BYTES));
    assert!(matches!(
        pins.check("docs", &tool(huge.clone())),
        Err(PinsError::Tool { .. })
    ));
    assert!(matches!(
        pins.accept("docs", &[tool(huge)]),
        Err(PinsError::Tool { .. })
    ));
    assert!(matches!(
        pins.accept("docs", &[tool(reader()), tool(reader())]),
        Err(PinsError::Twice { .. })
    ));
    let many: Vec<Tool> = (0..2_001)
        .map(|n| tool(json!({"name": format!("t{n}"), "inputSchema": {}})))
        .collect();
    assert!(matches!(
        pins.accept("docs", &many),
        Err(PinsError::TooMany { .. })
    ));
    for name in ["", &"n".repeat(257)] {
        assert!(
            pins.accept("docs", &[tool(json!({"name": name, "inputSchema": {}}))])
                .is_err()
        );
        assert!(pins.accept(name, &[tool(reader())]).is_err());
    }
    assert!(!place.path.exists());
}
