//! What is taken out of the middle of texts, and what is left there.

use proptest::prelude::*;

use super::super::{Redaction, Redactor};

/// A text, in which what has to go stands between `«` and `»`.
const MARKED: &[&str] = &[
    // An environment, a shell.
    "export AWS_SECRET_ACCESS_KEY=«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»",
    "DB_PASSWORD=«hunter2»\nDB_HOST=db.internal\nPGPASSWORD=«secret»\n",
    "POSTGRES_PASSWORD=«a&b;c,d»\nX=1",
    "MYSQL_PWD=«abc» mysql -u root",
    "docker run -e API_KEY=«abcdef» image",
    "SECRET=\"«two words»\"",
    "export TOKEN='«abc def»'",
    "set API_KEY=«0123»",
    "mysql --password=«hunter2» --user=root",
    "tool --password «hunter2» --verbose",
    "tool --api-key «AbCdEf» x",
    "[\"x\"] --token '«a b»'",
    // Addresses.
    "postgres://app:«hunter2»@db.internal:5432/shop",
    "mongodb+srv://app:«p%40ss»@cluster0.mongodb.net/?retryWrites=true",
    "amqp://guest:«guest»@localhost:5672/%2f",
    "redis://:«hunter2»@cache:6379/0",
    "see https://ada:«correct.horse»@git.example.com/x.git for it",
    "mysql://u:«a/b#c»@h/d",
    "postgres://u:«a@b»@host/d",
    "https://«0123456789abcdef0123456789abcdef»@sentry.example/1",
    "https://api.example.com/v1?api_key=«abc123»&page=2",
    "https://example.com/cb#access_token=«abcdef»&state=1",
    "GET /x?user=ada&password=«hunter2»&z=1 HTTP/1.1",
    "jdbc:postgresql://db/shop?user=ada&password=«hunter2»",
    "Server=db;Database=shop;User Id=ada;Password=«hunter2»;Encrypt=true",
    "AccountName=x;AccountKey=«abcdefghij0123456789+/==»;EndpointSuffix=core.windows.net",
    // Headers.
    "Authorization: Basic «dXNlcjpwYXNz»",
    "curl -H \"Authorization: Token «abcdef»\" https://x",
    "curl -H 'X-Api-Key: «abcdef0»' https://x",
    "X-API-KEY: «abcdef0123»\r\nAccept: */*",
    "Cookie: «sid=abc; theme=dark»\nHost: x",
    "Set-Cookie: «session=abcdef; Path=/; HttpOnly»",
    // JSON and its relatives.
    "the answer was {\"password\": \"«hunter2»\", \"user\": \"ada\"} and so on",
    "log: {\\\"access_token\\\": \\\"«abc»\\\", \\\"n\\\": 1}",
    "{'password': '«hunter2»', 'user': 'ada'}",
    "{\"pin\": «1234», \"n\": 1} trailing",
    "{\"a\": 1}{\"clientSecret\":\"«it's \\\"here\\\"»\"}",
    "{password: '«hunter2»'}",
    "password=>«hunter2»",
    "password := \"«hunter2»\"",
    "os.environ[\"API_KEY\"] = \"«abc»\"",
    "headers['X-Api-Key'] = '«abc»'",
    "api_key = b'«abc»'",
    "<password>«hunter2»</password><user>ada</user>",
    "<wsse:Password>«hunter2»</wsse:Password>",
    // Files of settings.
    "user: ada\npassword: «hunter2»\nport: 5432\n",
    "password: «swordfish»\n",
    "  api_key: \"«abc»\"  # do not share",
    "secret = «abc123def»",
    "//registry.npmjs.org/:_authToken=«0123-4567»",
    "\"auth\": \"«dXNlcjpwYXNz»\"",
    "machine: x, Password : «hunter2»",
    // Prose, where there is a mark.
    "your one-time code: «493817»",
    "OTP: «493817».",
    "my PIN: «4938»",
    "API key: «abc123def456»",
    "password:«hunter2»",
];

/// What is left as it is.
const KEPT: &[&str] = &[
    "reset my password please",
    "Password: must be at least 8 characters",
    "password: required",
    "Enter your password: ",
    "\"password\": \"Enter your password\"",
    "{\"label\": \"Password\", \"password\": \"Password\"}",
    "the secret: nobody knows it",
    "token: the smallest unit of text",
    "max_tokens: 4096, temperature: 0.2",
    "max_tokens=4096&tokens=12",
    "token_count: 3\nn_tokens = 7",
    "tokenizer: cl100k_base\ntokenizer=cl100k",
    "pinned: true, pinned=1234, shipping=express, spin: 1200",
    "int ledPin = 13; pin: 4",
    "PWD=/home/ada\nOLDPWD=/tmp\npwd: ~/x",
    "password=$PASSWORD",
    "password=${DB_PASSWORD} token={{ token }} secret=<secret> key=%API_KEY%",
    "password: ********",
    "Authorization: Bearer ${TOKEN}",
    "headers = {\"Authorization\": f\"Bearer {token}\"}",
    "headers: { Authorization: `Bearer ${token}` }",
    "\"Authorization\": \"Bearer \" + token",
    "Authorization: see section 4 of the manual",
    "def login(user: str, password: str) -> Token:",
    "struct Login { password: String, token: Token, api_key: &str }",
    "interface Login { password: string; token?: string; secret: Secret }",
    "client = Client(token=token, api_key=settings.API_KEY, password=self.password)",
    "password = getpass.getpass()",
    "token = request.headers.get('X')",
    "api_key = os.environ[\"API_KEY\"]",
    "let token = tokens.next()?;",
    "const secret = await load(name);",
    "for token in tokens: print(token)",
    "if password == other.password: pass",
    "if (token != null) return token;",
    "assert token >= 4",
    "std::token::Token",
    "--password-file /run/secrets/db",
    "secret_name: prod/db token_type: bearer",
    "use --token to pass one",
    "https://example.com:8080/a@b and https://medium.com/@ada/post",
    "https://ada@git.example.com/x.git",
    "git@github.com:ada/x.git mailto:ada@example.com",
    "postgres://user:${PASSWORD}@host/db postgres://{user}:{password}@{host}",
    "http://[::1]:8080/x@y",
    "time: 12:30, ratio 4:3, a=b, x := 1, y => 2",
    "cookie: chocolate chip, 200 g of flour",
    "The secretary: Bob Smith1",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "id=550e8400-e29b-41d4-a716-446655440000 commit 50d816cf1e2d3c4b5a69788796a5b4c3d2e1f001",
    "<input type=\"password\" name=\"pw\">",
    "static KEY: Lazy<PrivateKey> = Lazy::new(x); let y: Vec<Token> = z as Vec<u8>;",
    "<token/> <password></password> <secret>${x}</secret>",
    "key=abc123 keyboard: qwerty1 author: Ada2",
];

fn redactor() -> std::sync::Arc<Redactor> {
    Redactor::new(&Redaction::default()).unwrap()
}

#[test]
fn what_stands_behind_the_name_of_a_secret_goes_and_the_rest_stays() {
    let redactor = redactor();
    let mut wrong = Vec::new();
    for marked in MARKED {
        let text = marked.replace(['«', '»'], "");
        let mut expected = String::new();
        let mut rest = *marked;
        while let Some((before, after)) = rest.split_once('«') {
            expected.push_str(before);
            expected.push_str("[REDACTED]");
            rest = after.split_once('»').map_or("", |(_, it)| it);
        }
        expected.push_str(rest);
        let clean = redactor.text(&text);
        // What is also a pattern says so.
        let clean = clean.replace("[REDACTED:basic_credentials]", "Basic [REDACTED]");
        if clean != expected {
            wrong.push(format!("{clean}\n   not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_only_speaks_of_secrets_stays() {
    let redactor = redactor();
    let mut wrong = Vec::new();
    for text in KEPT {
        let clean = redactor.text(text);
        if clean != *text {
            wrong.push(format!("{clean}\n   not {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_text_that_was_made_to_take_long_is_withheld_and_takes_not_long() {
    let redactor = redactor();
    for part in [
        "token=",
        "=",
        "\"",
        "\\",
        "@",
        "a=",
        "token:\"",
        "password=${",
        "://",
        "a://b:",
        "<token>",
        "--token ",
        "\\\"token\\\":\\\"${",
        "-eyJ",
        "-eyJa.",
        "sk-",
        "AKIA",
        "-----BEGIN ",
        "cookie:",
        "authorization:basic ",
        "token=x,",
        "{\"a\":",
        "[",
        "bearer ",
        "basic ",
        "token=(",
        "token:\u{a0}",
        "ö=",
        "PWD=/",
    ] {
        let text = part.repeat((32 << 10) / part.len());
        // Neither fails; the steps are counted, so that neither can take long.
        let clean = redactor.text(&text);
        assert!(clean.len() <= 5 * text.len(), "{part}");
        let json = serde_json::json!({ "q": text }).to_string();
        let _ = redactor.json(&json);
        let _ = redactor.json(&text);
    }
}

#[test]
fn a_password_that_went_before_hides_its_user_as_one_that_goes_now() {
    for text in ["token://token=token=:ö@", "postgres://token=abc:hunter2@db"] {
        let clean = redactor().text(text).into_owned();
        assert!(clean.contains("[REDACTED]@"), "{clean}");
        assert_eq!(redactor().text(&clean), clean);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_text_can_be_looked_at(text in r#"(token|pass|password|"|'|\\|=|:|://|@|<|>|--| |ö|\{|\[|,|\$|a|1|\n){0,40}"#) {
        let clean = redactor().text(&text).into_owned();
        // A second look may find more, because a mark ends the value before it. It brings nothing back.
        let again = redactor().text(&clean).into_owned();
        let left = again.replace("[REDACTED]", "");
        let mut before = clean.chars();
        prop_assert!(left.chars().all(|it| before.any(|other| other == it)), "{} -> {}", clean, again);
    }

    #[test]
    fn a_password_goes_whatever_stands_around_it(
        before in r#"[ a-z.,"'=:@/<>\n{}\\]{0,12}"#,
        sign in r"=|: |=>",
        after in r#"[ ,;"'&\n}]"#,
    ) {
        let text = format!("{before} DB_PASSWORD{sign}hunter2x{after}");
        let clean = redactor().text(&text).into_owned();
        prop_assert!(!clean.contains("hunter2x"), "{} -> {}", text, clean);
    }
}
