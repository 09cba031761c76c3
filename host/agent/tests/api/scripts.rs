//! Scripts of turns.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt as _;
use hexgate_agent::message::{CallState, Message, ProposedCall};
use hexgate_agent::model::script::ScriptModel;
use hexgate_agent::model::{
    Delta, Model, ModelError, ModelErrorKind, ModelRequest, Retries, Retrying, Stop, Usage, open_in,
};

const SCRIPT: &str = r#"
turns:
  - expect: {user: refund}
    reasoning: Let me see.
    text: I refund it.
    calls:
      - tool: refund_order
        arguments: {order: 7, note: "no"}
      - tool: list
        id: mine
      - tool: list
        arguments: '{oops'
    usage: {input_tokens: 10, output_tokens: 5}
  - expect: {tool: denied}
    text: I may not.
  - error: 429
    retry_after: 2
  - text: I was about to
    fail: break_off
  - fail: garbage
  - text: cut
    stop: length
"#;

fn said(messages: Vec<Message>) -> ModelRequest {
    ModelRequest {
        system: None,
        messages,
        tools: Vec::new(),
    }
}

fn user(text: &str) -> Message {
    Message::User {
        text: text.to_owned(),
    }
}

async fn play(
    model: &dyn Model,
    request: ModelRequest,
) -> Result<Vec<Result<Delta, ModelError>>, ModelError> {
    Ok(model.respond(request).await?.collect().await)
}

#[tokio::test]
async fn turns_are_played_in_their_order() {
    let model = ScriptModel::parse("demo.yaml", SCRIPT).unwrap();
    assert_eq!(model.id().to_string(), "script:demo.yaml");
    let call = |id: &str, tool: &str, arguments: &str| {
        Ok(Delta::Call(ProposedCall {
            id: id.to_owned(),
            tool: tool.to_owned(),
            arguments: arguments.to_owned(),
            signatures: Vec::new(),
        }))
    };
    let end = |stop, input_tokens, output_tokens| {
        Ok(Delta::End {
            stop,
            usage: Usage {
                input_tokens,
                output_tokens,
            },
        })
    };
    let text = |text: &str| Ok(Delta::Text(text.to_owned()));
    let request = said(vec![user("a refund, please")]);
    assert_eq!(
        play(&model, request.clone()).await.unwrap(),
        [
            Ok(Delta::Reasoning("Let me see.".to_owned())),
            text("I refund it."),
            call("call_1_1", "refund_order", r#"{"order":7,"note":"no"}"#),
            call("mine", "list", "{}"),
            call("call_1_3", "list", "{oops"),
            end(Stop::Calls, 10, 5),
        ]
    );
    let denied = said(vec![
        user("a refund, please"),
        Message::Tool {
            call: "call_1_1".to_owned(),
            tool: "refund_order".to_owned(),
            state: CallState::Denied,
            content: "[denied]".to_owned(),
        },
    ]);
    assert_eq!(
        play(&model, denied).await.unwrap(),
        [text("I may not."), end(Stop::Finished, 0, 0)]
    );
    let error = play(&model, request.clone()).await.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::RateLimited);
    assert_eq!(error.retry_after, Some(Duration::from_secs(2)));
    // It breaks off: no end.
    assert_eq!(
        play(&model, request.clone()).await.unwrap(),
        [text("I was about to")]
    );
    let garbage = play(&model, request.clone()).await.unwrap();
    assert!(matches!(&garbage[..], [Err(error)] if error.kind == ModelErrorKind::Garbage));
    assert_eq!(
        play(&model, request.clone()).await.unwrap(),
        [text("cut"), end(Stop::Length, 0, 0)]
    );
    assert_eq!(model.left(), 0);
    let error = play(&model, request.clone()).await.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Refused);
    assert!(error.message.contains("no turn left: all 6"), "{error}");
    assert_eq!(model.rewound().left(), 6);
}

#[tokio::test]
async fn what_was_not_expected_is_told_with_its_place() {
    let model = ScriptModel::parse("demo.yaml", SCRIPT).unwrap();
    let error = play(&model, said(vec![user("hello")])).await.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Refused);
    assert_eq!(
        error.message,
        "turn 1 (line 3) of the script demo.yaml expects \"refund\", but the last message of the user is \"hello\""
    );
    let error = play(&model, said(vec![user("hello")])).await.unwrap_err();
    assert!(
        error.message.contains("there is no result of a tool"),
        "{error}"
    );
}

#[tokio::test]
async fn a_script_can_show_what_is_asked_again() {
    let model = ScriptModel::parse(
        "s",
        "turns:\n  - error: 503\n  - error: 429\n  - text: at last\n",
    )
    .unwrap();
    let mut retries = Retries::default();
    retries.first_wait = Duration::from_millis(1);
    let model = Retrying::new(std::sync::Arc::new(model), retries);
    let items = play(&model, said(vec![user("hi")])).await.unwrap();
    assert_eq!(items[0], Ok(Delta::Text("at last".to_owned())));
}

#[test]
fn a_script_that_is_none_is_refused_at_its_place() {
    for (text, says) in [
        ("", "line 1"),
        ("turns: []", "no turns"),
        ("turns:\n  - text: a\n  - txt: b\n", "line 3"),
        ("turns:\n  - text: a\n    text: b\n", "line 3"),
        (
            "turns:\n  - calls:\n      - tool: t\n        args: {}\n",
            "line 4",
        ),
        ("turns:\n  - text: [1]\n", "line 2"),
        ("turns:\n  - text: a\n    stop: soon\n", "line 3"),
        (
            "turns:\n  - text: a\n\n  - {}\n",
            "turn 2 at line 4 says nothing",
        ),
        ("turns:\n  - error: 200\n", "400 to 599"),
        (
            "turns:\n  - error: 429\n    text: a\n",
            "`error` and an answer",
        ),
        (
            "turns:\n  - text: a\n    retry_after: 1\n",
            "without `error`",
        ),
        (
            "turns:\n  - text: a\n    fail: break_off\n    stop: length\n",
            "`fail` and an end",
        ),
        ("turns: &a\n  - text: *a\n", "anchor"),
        ("turn:\n  - text: a\n", "line 1"),
        ("{\"turns\": [{\"text\": \"a\"}, {\"calls\": 5}]}", "line 1"),
        ("turns:\n\t- text: a", "line 2"),
    ] {
        let error = ScriptModel::parse("s", text)
            .err()
            .unwrap_or_else(|| panic!("{text}"));
        assert_eq!(error.kind, ModelErrorKind::Configuration);
        assert!(error.message.contains(says), "{text:?}: {error}");
    }
    let deep = format!(
        "turns:\n  - calls: [{{tool: t, arguments: {}1{}}}]\n",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    ScriptModel::parse("s", &deep).unwrap_err();
}

#[tokio::test]
async fn a_file_is_looked_for_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("turns.json");
    std::fs::write(&file, r#"{"turns": [{"text": "hi"}]}"#).unwrap();
    let model = open_in("script:turns.json", folder.path()).unwrap();
    assert_eq!(play(&*model, said(Vec::new())).await.unwrap().len(), 2);
    open_in(&format!("script:{}", file.display()), Path::new("/")).unwrap();
    for (text, says) in [
        ("script:none.yaml", "cannot be read"),
        ("script:.", "is not a file"),
        ("script:", "names no file"),
    ] {
        let error = open_in(text, folder.path()).err().unwrap();
        assert_eq!(error.kind, ModelErrorKind::Configuration);
        assert!(error.message.contains(says), "{error}");
    }
    std::fs::write(&file, vec![b' '; (4 << 20) + 1]).unwrap();
    let error = open_in("script:turns.json", folder.path()).err().unwrap();
    assert!(error.message.contains("larger than 4 MiB"), "{error}");
}
