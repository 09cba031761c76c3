//! Prompts, resources, templates, completions.

use rmcp::ErrorData;
use rmcp::model::{
    CompleteRequestParams, CompleteResult, CompletionInfo, ContentBlock, GetPromptRequestParams,
    GetPromptResponse, GetPromptResult, ImageContent, Prompt, PromptArgument, PromptMessage,
    ReadResourceResult, Reference, Resource, ResourceContents, ResourceTemplate, Role,
};
use serde_json::{Value, json};

use crate::asks::{asked, field, form, given};
use crate::content::{IMAGE, text_resource};

/// The prompts after so many changes of the list.
pub(crate) fn prompts(changes: u64) -> Vec<Prompt> {
    let plain = |name: &str, description: &str| Prompt::new(name, Some(description), None);
    let argument = |name: &str, required| {
        PromptArgument::new(name)
            .with_description("An argument")
            .with_required(required)
    };
    let mut prompts = vec![
        plain("test_simple_prompt", "A prompt"),
        Prompt::new(
            "test_prompt_with_arguments",
            Some("A prompt with arguments"),
            Some(vec![argument("arg1", true), argument("arg2", false)]),
        ),
        plain(
            "test_prompt_with_embedded_resource",
            "A prompt with a resource",
        ),
        plain("test_prompt_with_image", "A prompt with an image"),
        plain(
            "test_input_required_result_prompt",
            "A prompt that asks the user",
        ),
    ];
    if changes % 2 == 1 {
        prompts.push(plain("test_added_prompt", "Comes and goes"));
    }
    prompts
}

pub(crate) fn prompt(request: &GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    let said = |text: String| PromptMessage::new_text(Role::User, text);
    let messages = match request.name.as_str() {
        "test_simple_prompt" => vec![said("This is a simple test prompt.".to_owned())],
        "test_prompt_with_arguments" => {
            let argument = |name: &str| {
                let value = request.arguments.as_ref().and_then(|all| all.get(name));
                value.and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            vec![said(format!(
                "Prompt with arguments: arg1='{}', arg2='{}'",
                argument("arg1"),
                argument("arg2")
            ))]
        }
        "test_prompt_with_embedded_resource" => {
            let argument = request
                .arguments
                .as_ref()
                .and_then(|all| all.get("resourceUri"));
            let uri = argument
                .and_then(Value::as_str)
                .unwrap_or("test://static-text");
            let resource =
                text_resource(uri, "text/plain", "Embedded resource content for testing.");
            vec![
                PromptMessage::new(Role::User, ContentBlock::resource(resource)),
                said("Please process the embedded resource above.".to_owned()),
            ]
        }
        "test_prompt_with_image" => vec![
            PromptMessage::new(
                Role::User,
                ContentBlock::Image(ImageContent::new(IMAGE, "image/png")),
            ),
            said("Please analyze the image above.".to_owned()),
        ],
        "test_input_required_result_prompt" => {
            match given(request.input_responses.as_ref(), "user_context") {
                None => {
                    let question =
                        form("What context should the prompt use?", "context", "string")?;
                    return Ok(asked(vec![("user_context", question)], None).into());
                }
                Some(answer) => {
                    vec![said(format!(
                        "Prompt with context: {}",
                        field(answer, "context")
                    ))]
                }
            }
        }
        other => {
            return Err(ErrorData::invalid_params(
                format!("Unknown prompt: {other}"),
                None,
            ));
        }
    };
    Ok(GetPromptResult::new(messages)
        .with_description("A prompt")
        .into())
}

pub(crate) fn resources() -> Vec<Resource> {
    vec![
        Resource::new("test://static-text", "Static Text Resource")
            .with_description("A text")
            .with_mime_type("text/plain"),
        Resource::new("test://static-binary", "Static Binary Resource")
            .with_description("An image")
            .with_mime_type("image/png"),
        Resource::new("test://watched-resource", "Watched Resource")
            .with_description("A text that can be subscribed to")
            .with_mime_type("text/plain"),
    ]
}

pub(crate) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new("test://template/{id}/data", "Dynamic Resource")
            .with_description("Data of an id")
            .with_mime_type("application/json"),
    ]
}

pub(crate) fn resource(uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let id = uri
        .strip_prefix("test://template/")
        .and_then(|rest| rest.strip_suffix("/data"));
    let contents = match (uri, id) {
        ("test://static-text", _) => text_resource(
            uri,
            "text/plain",
            "This is the content of the static text resource.",
        ),
        ("test://watched-resource", _) => text_resource(uri, "text/plain", "Watched content."),
        ("test://static-binary", _) => ResourceContents::BlobResourceContents {
            uri: uri.to_owned(),
            mime_type: Some("image/png".to_owned()),
            blob: IMAGE.to_owned(),
            meta: None,
        },
        (_, Some(id)) => {
            let data =
                json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            text_resource(uri, "application/json", data.to_string())
        }
        _ => {
            return Err(ErrorData::resource_not_found(
                format!("Resource not found: {uri}"),
                Some(json!({ "uri": uri })),
            ));
        }
    };
    Ok(ReadResourceResult::new(vec![contents]))
}

pub(crate) fn complete(request: &CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
    let values: &[&str] = match &request.r#ref {
        Reference::Prompt(_) => &["paris", "park", "party"],
        Reference::Resource(_) => &["1", "2", "3"],
        _ => &[],
    };
    let begun = request.argument.value.as_str();
    let values = values.iter().filter(|value| value.starts_with(begun));
    let values = values.map(|value| (*value).to_owned()).collect();
    let info = CompletionInfo::new(values);
    Ok(CompleteResult::new(
        info.map_err(|error| ErrorData::internal_error(error, None))?,
    ))
}
