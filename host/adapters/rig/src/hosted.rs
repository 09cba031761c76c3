//! Tools that the provider of a model runs.

use rig_core::completion::CompletionRequest;
use serde_json::Value;

/// The tools that a request asks the provider to run, by name.
pub(crate) fn names(request: &CompletionRequest) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(params) = &request.additional_params {
        collect(params, &mut names);
    }
    if let Ok(options) = serde_json::to_value(&request.provider_options) {
        collect(&options, &mut names);
    }
    names
}

/// The members `tools` and `server_tools` of parameters, at any depth, and switches such as `enable_web_search`.
fn collect(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match (key.as_str(), member) {
                    ("tools" | "server_tools" | "builtin_tools", Value::Array(tools)) => {
                        names.extend(tools.iter().map(name));
                    }
                    ("mcp_servers", Value::Array(servers)) => {
                        names.extend(servers.iter().map(|server| format!("mcp:{}", name(server))));
                    }
                    (key, member) if is_switch(key) && is_on(member) => {
                        names.push(key.trim_start_matches("enable_").to_owned());
                    }
                    (_, member) => collect(member, names),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

fn is_switch(key: &str) -> bool {
    [
        "web_search",
        "search_parameters",
        "code_execution",
        "code_interpreter",
    ]
    .iter()
    .any(|switch| key.contains(switch))
}

fn is_on(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && value.as_str() != Some("off")
}

/// What a provider calls one of its tools: its type, its name, or the only member that it has.
fn name(tool: &Value) -> String {
    let named = ["type", "name"]
        .into_iter()
        .find_map(|key| tool.get(key)?.as_str());
    match (named, tool) {
        (Some(named), _) => named.to_owned(),
        (None, Value::String(named)) => named.clone(),
        (None, Value::Object(members)) => members.keys().cloned().collect::<Vec<_>>().join("+"),
        _ => "a tool without a name".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_tools_of_providers_are_found_where_they_stand() {
        for (params, expected) in [
            (
                json!({"tools": [{"type": "web_search"}]}),
                vec!["web_search"],
            ),
            (
                json!({"tools": [{"google_search": {}}]}),
                vec!["google_search"],
            ),
            (
                json!({"gemini": {"tools": [{"code_execution": {}}, {"url_context": {}}]}}),
                vec!["code_execution", "url_context"],
            ),
            (
                json!({"mcp_servers": [{"name": "crm", "url": "https://crm.example"}]}),
                vec!["mcp:crm"],
            ),
            (
                json!({"venice_parameters": {"enable_web_search": "on"}}),
                vec!["web_search"],
            ),
            (
                json!({"venice_parameters": {"enable_web_search": "off"}}),
                vec![],
            ),
            (json!({"temperature": 1}), vec![]),
        ] {
            let mut names = Vec::new();
            collect(&params, &mut names);
            assert_eq!(names, expected, "{params}");
        }
    }
}
