//! How often ordinary texts are taken for secrets: what this repository has to show of calls, policies, programs and prose, and what calls carry.
//! Texts that are withheld make a call that cannot be replayed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{Redaction, Redactor};

/// Arguments as calls have them, without a secret in any.
fn calls() -> Vec<String> {
    let digits = |n: usize| {
        (0..n)
            .map(|it| char::from(b'0' + (it * 7 % 10) as u8))
            .collect::<String>()
    };
    let bytes: Vec<u8> = (0..3000_u32)
        .map(|it| (it.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let image = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &bytes);
    let mut calls = vec![
        json!({"max_tokens": 4096, "temperature": 0.2, "stream": true, "stop": ["\n\n"], "model": "gpt-4o-mini"}),
        json!({"usage": {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}, "token_count": 19}),
        json!({"pinned": true, "shipping": "express", "spin": 3, "opinions": ["a", "b"], "is_pinned": false}),
        json!({"id": "550e8400-e29b-41d4-a716-446655440000", "parent_id": null, "ids": [1, 2, 3]}),
        json!({"sha": "50d816cf1e2d3c4b5a69788796a5b4c3d2e1f001", "branch": "main", "path": "src/lib.rs"}),
        json!({"digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}),
        json!({"etag": "\"33a64df551425fcc55e4d42a148795d9f25f89d4\"", "md5": "d41d8cd98f00b204e9800998ecf8427e"}),
        json!({"image": format!("data:image/png;base64,{image}"), "alt": "a chart"}),
        json!({"file": image, "encoding": "base64", "size": 3000}),
        json!({"url": "https://example.com/a/b?page=2&sort=-created_at&q=hello%20world#top", "method": "GET"}),
        json!({"url": "https://user.example.com:8443/@ada/posts/12345?utm_source=newsletter&utm_id=77"}),
        json!({"from": "2026-03-01T12:00:00Z", "to": "2026-03-31", "tz": "Europe/Berlin", "at": "12:30"}),
        json!({"phone": "+49 30 901820", "mobile": "(555) 123-4567", "email": "ada@example.com"}),
        json!({"iban": "DE89370400440532013000", "amount": 12.5, "currency": "EUR", "reference": "RF18539007547034"}),
        json!({"order": "A-1029-XK", "tracking": "1Z999AA10123456784", "isbn": "978-3-16-148410-0"}),
        json!({"lat": 52.52, "lon": 13.405, "zoom": 12, "bbox": [13.0, 52.3, 13.8, 52.7]}),
        json!({"sql": "SELECT id, name FROM users WHERE created_at > '2026-01-01' AND status = 'active' LIMIT 10"}),
        json!({"command": "ls -la /var/log && grep -rn 'error' --include='*.log' . | head -n 20"}),
        json!({"command": "git log --oneline -5; cargo test -p hexgate-audit -- --nocapture"}),
        json!({"command": "docker run -u 1000:1000 -v $PWD:/work -w /work rust:1.95 cargo build"}),
        json!({"command": "curl -sS -X POST https://api.example.com/v1/orders -H 'Content-Type: application/json' -d '{\"n\": 1}'"}),
        json!({"query": "how do I reset my password", "limit": 10}),
        json!({"subject": "Your token expired", "body": "Please sign in again. Never share your PIN or password with anyone."}),
        json!({"text": "The bearer of this letter, my secretary, will pass the keys to you. Basic understanding is enough."}),
        json!({"code": "def login(user: str, password: str) -> Token:\n    token = make_token(user, password=password)\n    return token\n"}),
        json!({"code": "const token = req.headers['x-request-id'];\nif (!token) throw new Error('missing token');\n"}),
        json!({"code": "let secret = load_secret(&path)?;\nlet api_key: String = config.api_key.clone();\n"}),
        json!({"code": "password = os.environ.get(\"DB_PASSWORD\")\nclient = Client(api_key=settings.API_KEY)\n"}),
        json!({"css": ".sk-fading-circle { color: #ff00aa; } a:hover { pin: none }", "html": "<input type=\"password\" name=\"pw\">"}),
        json!({"yaml": "services:\n  web:\n    image: nginx:1.27\n    ports: [\"80:80\"]\n    environment:\n      - TOKEN=${TOKEN}\n"}),
        json!({"cron": "*/5 * * * *", "regex": "^(?:[a-z0-9]+)@(?:[a-z]+)\\.com$", "glob": "src/**/*.rs"}),
        json!({"headers": {"Accept": "application/json", "User-Agent": "curl/8.5.0", "X-Request-Id": "7f3c"}}),
        json!({"diff": "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-let a = 1;\n+let a = 2;\n"}),
        json!({"csv": "id,name,score\n1,ada,9.5\n2,bob,7.25\n", "sep": ","}),
        json!({"tool": "search", "arguments": "{\"q\": \"weather\", \"max_tokens\": 100}"}),
        json!({"schema": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}}),
        json!({"version": "1.2.3-rc.1+build.5", "mac": "00:1A:2B:3C:4D:5E", "ip": "2001:db8::8a2e:370:7334"}),
    ];
    for n in 1..60 {
        calls.push(json!({"n": digits(n), "key": format!("{n:016x}"), "sort_key": n, "keyboard": "qwerty"}));
    }
    calls.iter().map(ToString::to_string).collect()
}

/// Files of the repository, by what their names end with.
fn files(folder: &Path, ends: &[&str], into: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            // Its own tests are full of secrets.
            if !matches!(name.as_str(), "target" | ".git" | "redact" | "node_modules") {
                files(&path, ends, into);
            }
        } else if ends.iter().any(|end| name.ends_with(end)) && name != "redact.rs" {
            into.push(path);
        }
    }
}

#[test]
fn ordinary_calls_are_not_taken_for_secrets() {
    let redactor = Redactor::new(&Redaction::default()).unwrap();
    for call in calls() {
        let clean = redactor.json(&call).unwrap();
        assert_eq!(clean, None, "{call}");
    }
}

/// Each paragraph of each file, as a call that writes it would have it.
#[test]
fn ordinary_texts_are_seldom_taken_for_secrets() {
    let redactor = Redactor::new(&Redaction::default()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    files(
        &root,
        &[
            ".rs", ".md", ".yaml", ".yml", ".toml", ".json", ".jsonl", ".py", ".mjs", ".js", ".ts",
            ".wit", ".rego", ".html",
        ],
        &mut paths,
    );
    let (mut all, mut withheld) = (0_u32, 0_u32);
    let mut shown = Vec::new();
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        if text.len() > 2 << 20 {
            continue;
        }
        for paragraph in text.split("\n\n").filter(|it| !it.trim().is_empty()) {
            all += 1;
            let clean = redactor.text(paragraph);
            if clean != paragraph {
                withheld += 1;
                let at = clean.find("[REDACTED").unwrap_or(0);
                let from = (0..=at.saturating_sub(50))
                    .rev()
                    .find(|it| clean.is_char_boundary(*it))
                    .unwrap_or(0);
                let line: String = clean[from..].chars().take(100).collect();
                shown.push(format!(
                    "{}: {line:?}",
                    path.strip_prefix(&root).unwrap().display()
                ));
            }
        }
    }
    let rate = f64::from(withheld) / f64::from(all);
    eprintln!(
        "{withheld} of {all} paragraphs ({:.3} %)\n{}",
        rate * 100.0,
        shown.join("\n")
    );
    assert!(all > 5000, "{all}");
    // Most of those that are left are made-up secrets of other tests and documents.
    assert!(rate < 0.01, "{rate}\n{}", shown.join("\n"));
}
