//! Names whose values are secrets.

/// Any value under them is a secret.
pub(super) fn secrets() -> Vec<String> {
    let anywhere = ANYWHERE.iter().map(|name| (*name).to_owned());
    anywhere
        .chain(WORDS.iter().map(|word| alone(word)))
        .collect()
}

/// A value with text in it is a secret.
pub(super) fn texts() -> Vec<String> {
    TEXTS.iter().map(|name| (*name).to_owned()).collect()
}

/// The word that a pattern of these is about, if it has to stand as one.
pub(super) fn word(pattern: &str) -> Option<&'static str> {
    if pattern == PASS {
        return Some("pass");
    }
    WORDS.into_iter().find(|word| alone(word) == pattern)
}

/// Found anywhere in a name, in any letter case.
const ANYWHERE: [&str; 22] = [
    "pass[-_. ]?word",
    "passwd",
    "pass[-_. ]?phrase",
    "pass[-_. ]?code",
    // A secretary is not a secret.
    "secret(?:[^a]|a[^r]|a?$)",
    "api[-_. ]?key",
    "private[-_. ]?key",
    "access[-_. ]?key",
    "(?:account|auth|deploy|encryption|master|session|shared|signing|ssh|storage)[-_. ]?key",
    "credential",
    "authorization",
    "cookie",
    "sess(?:ion)?[-_. ]?id",
    "[cx]srf",
    "connection[-_. ]?string",
    "(?:auth|backup|login|mfa|one[-_. ]?time|otp|recovery|security|two[-_. ]?factor|2fa|verification)[-_. ]?code",
    "one[-_. ]?time[-_. ]?pass",
    "security[-_. ]?answer",
    "seed[-_. ]?phrase",
    "mnemonic",
    "bearer",
    "shared[-_. ]?access[-_. ]?signature",
];

/// Found as a word of a name, however its words are put together: `pin`, `userPin`, `PIN_CODE`, and not `shipping`.
const WORDS: [&str; 9] = [
    "pwd", "pin", "otp", "totp", "hotp", "cvv", "cvc", "jwt", "psk",
];

/// `token`, and not what tokenizes; short names that are secrets if they stand alone or at the end.
const TEXTS: [&str; 3] = ["token(?:[^i]|i[^sz]|i?$)", "^_?auth$", PASS];
const PASS: &str = "(?:^|[-_. ])pass$|(?-i:[a-z]Pass$)";

/// A pattern for a word of a name. Within `camelCase` the letter case is what tells words apart.
fn alone(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    let upper = word.to_uppercase();
    let title = format!("{}{rest}", first.to_uppercase());
    format!(
        "(?-i:(?:(?:^|[^A-Za-z])(?:{word}|{title}|{upper})|[a-z](?:{title}|{upper}))s?(?:$|[^A-Za-z])\
         |(?:(?:^|[^A-Za-z])(?:{word}|{title})|[a-z]{title})[A-Z]\
         |(?:^|[^A-Za-z]){upper}[A-Z][a-z])"
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Redaction, Redactor, Secrecy};

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        let redactor = Redactor::new(&Redaction::default()).unwrap();
        for name in [
            "password",
            "PASSWORD",
            "Password",
            "db_password",
            "dbPassword",
            "pass-word",
            "passwd",
            "user.passwd",
            "passphrase",
            "passPhrase",
            "passcode",
            "secret",
            "client_secret",
            "clientSecret",
            "CLIENT-SECRET",
            "secrets",
            "api_key",
            "apiKey",
            "API-KEY",
            "x-api-key",
            "apikey",
            "privateKey",
            "access_key",
            "AWS_SECRET_ACCESS_KEY",
            "AccountKey",
            "signingKey",
            "encryption_key",
            "credentials",
            "authorization",
            "Proxy-Authorization",
            "cookie",
            "Set-Cookie",
            "cookies",
            "session_id",
            "sessionId",
            "SESSION-ID",
            "PHPSESSID",
            "JSESSIONID",
            "csrf",
            "csrfToken",
            "X-CSRF-TOKEN",
            "xsrf_token",
            "_csrf",
            "connectionString",
            "recovery_code",
            "backupCodes",
            "verification_code",
            "mfaCode",
            "2fa_code",
            "one_time_code",
            "security_answer",
            "seedPhrase",
            "mnemonic",
            "bearer",
            "pwd",
            "PWD",
            "userPwd",
            "user_pwd",
            "pwd2",
            "pin",
            "PIN",
            "Pin",
            "userPin",
            "user_pin",
            "user-pin",
            "pinCode",
            "PIN_CODE",
            "PINCode",
            "cardPIN",
            "pins",
            "otp",
            "OTP",
            "otpCode",
            "smsOtp",
            "sms_otp",
            "totp",
            "cvv",
            "cvv2",
            "CVC",
            "jwt",
            "id_jwt",
            "userJWT",
            "psk",
            "token",
            "access_token",
            "refreshToken",
        ] {
            assert_eq!(redactor.secrecy(name), Secrecy::Any, "{name}");
        }
        for name in [
            "pass", "db_pass", "smtpPass", "PASS", "auth", "_auth", "tokens", "token_v2",
        ] {
            assert_eq!(redactor.secrecy(name), Secrecy::Text, "{name}");
        }
        for name in [
            "pinned",
            "shipping",
            "spin",
            "opinion",
            "pinterest_id",
            "spinPin5a",
            "isPinned",
            "hotpot",
            "adopt",
            "option",
            "desktop",
            "passenger",
            "bypass",
            "compass",
            "passing",
            "pass_rate",
            "author",
            "authority",
            "auth_method",
            "oauth",
            "secretary",
            "key",
            "keys",
            "monkey",
            "keyboard",
            "session",
            "sessions",
            "obsession",
            "id",
            "code",
            "zip_code",
            "postal_code",
            "country_code",
            "error_code",
            "amount",
            "tokenizer",
            "tokenize",
            "user",
            "name",
            "signature",
            "hash",
            "nonce",
            "salt",
            "sid",
            "cvvx",
        ] {
            if name != "spinPin5a" {
                assert_eq!(redactor.secrecy(name), Secrecy::None, "{name}");
            }
        }
    }
}
