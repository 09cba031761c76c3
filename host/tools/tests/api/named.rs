//! The tools by name.

use std::sync::Arc;

use hexgate_sandbox::{Sandbox, Wanted, Workspace};
use hexgate_tools::fetch::Fetch;
use hexgate_tools::web_search::WebSearch;
use hexgate_tools::{NAMES, NoSuchTool, Toolbox};

#[test]
fn tools_are_had_by_name_or_say_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::builder(folder.path()).home("/nonexistent");
    let workspace = workspace.build().unwrap();
    let tools = Toolbox::of(&workspace).unwrap();
    for name in NAMES {
        match tools.named(name) {
            Ok(tool) => assert_eq!(tool.spec().name, name),
            Err(error) => {
                assert!(matches!(error, NoSuchTool::Missing { .. }), "{error}");
                assert!(["bash", "fetch", "web_search"].contains(&name), "{name}");
            }
        }
    }
    let unknown = tools.named("read_flie").err().unwrap().to_string();
    assert_eq!(
        unknown,
        format!(
            "there is no tool `read_flie`; there are {}",
            NAMES.join(", ")
        )
    );

    let tools = tools
        .sandbox(Sandbox::backend("none", &workspace, &Wanted::default()))
        .fetch(Fetch::builder().build().unwrap())
        .web_search(WebSearch::from_env(|_| None));
    assert!(tools.named("fetch").is_ok());
    let bash = tools.named("bash").err().unwrap().to_string();
    assert!(
        bash.starts_with("the tool `bash` cannot be had: no sandbox"),
        "{bash}"
    );
    assert!(tools.named("web_search").is_err());
    assert_eq!(tools.all().count(), 7);
}

#[test]
fn what_models_read_of_the_tools_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::builder(folder.path()).home("/nonexistent");
    let tools = Toolbox::of(&workspace.build().unwrap()).unwrap();
    let mut concurrent = Vec::new();
    for tool in tools.all() {
        let spec = Arc::clone(tool.spec());
        assert!(!spec.description.is_empty());
        let schema = &spec.input_schema;
        assert_eq!(schema["type"], "object", "{}", spec.name);
        assert_eq!(schema["additionalProperties"], false, "{}", spec.name);
        assert!(!schema.to_string().contains("$ref"), "{schema}");
        for (name, argument) in schema["properties"].as_object().unwrap() {
            assert!(argument["description"].is_string(), "{} {name}", spec.name);
        }
        if spec.concurrent {
            concurrent.push(spec.name.clone());
        }
    }
    // Those that change nothing.
    assert_eq!(concurrent, ["glob", "grep", "read_file"]);
}
