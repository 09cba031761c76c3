//! One made-up key of each kind that is found, and one text beside it that is not. A `~` in them is taken out: it keeps scanners of repositories
//! from taking them for real ones.

use super::super::{Redaction, Redactor};

const SAMPLES: &[(&str, &str, &str)] = &[
    (
        "private_key",
        "-----BEGIN ~RSA PRIVATE KEY-----\nMIIE-+/\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----",
    ),
    (
        "private_key",
        "-----BEGIN ~PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2.0\n\nlQOYBF\n-----END PGP PRIVATE KEY BLOCK-----",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----",
    ),
    (
        "private_key",
        "-----BEGIN ~OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE and no end",
        "BEGIN PRIVATE KEY",
    ),
    (
        "putty_key",
        "PuTTY-User-Key-File-~3: ssh-ed25519\nPrivate-Lines: 1\nAAAA",
        "a PuTTY user key",
    ),
    (
        "age_key",
        "AGE-SECRET-~KEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHC",
        "AGE-SECRET-KEY-1 is what it begins with",
    ),
    (
        "aws_access_key",
        "AKIA~IOSFODNN7EXAMPLE",
        "AKIA, ASIA and others",
    ),
    (
        "aws_access_key",
        "ASIA~IOSFODNN7EXAMPLE",
        "ASIAN MARKETS IN 2026",
    ),
    (
        "aws_bedrock_key",
        "ABSK~QmVkcm9ja0FQSUtleS1leGFtcGxlLWF0LTEyMzQ1Njc4OTAxMg==",
        "ABSKISSEN",
    ),
    (
        "google_api_key",
        "AIza~0123456789abcdefghijABCDEFGHIJ01234",
        "AIzawa",
    ),
    (
        "google_oauth_secret",
        "GOCSPX-~0123456789abcdefghijABCDEFGH",
        "GOCSPX-",
    ),
    (
        "google_oauth_token",
        "ya29.~a0AfH6SMB0123456789abcdefghijABCDEFGHIJ",
        "ya29.txt",
    ),
    (
        "azure_client_secret",
        "~abc8Q~~abcdefghijABCDEFGHIJ0123456789abc",
        "Q~1",
    ),
    (
        "url_signature",
        "https://x.blob.core.windows.net/c/b?sv=2022&~sig=abcdefghijABCDEFGHIJ0123%2Bw%3D",
        "https://x.example/?sig=yes&a=1",
    ),
    (
        "digitalocean_token",
        "dop_v1_~0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "dop_v1_ is a prefix",
    ),
    ("alibaba_access_key", "LTAI~0123456789abcdefABCD", "LTAI"),
    (
        "fly_token",
        "fm2_~lJPECAAAAAAAAAAAxBA0123456789abcdefABCDEFabcdef",
        "fm2_short",
    ),
    (
        "heroku_token",
        "HRKU-~AA0123456789abcdefABCDEFabcdefABCDEF",
        "HRKU-1",
    ),
    (
        "planetscale_token",
        "pscale_tkn_~0123456789abcdefABCDEFabcdef",
        "pscale_tkn_",
    ),
    (
        "supabase_token",
        "sbp_~0123456789abcdef0123456789abcdef01234567",
        "sbp_users",
    ),
    (
        "supabase_token",
        "sb_secret_~0123456789abcdefABCD",
        "sb_secretary",
    ),
    (
        "vault_token",
        "hvs.~CAESIJ0123456789abcdefABCDEF",
        "hvs.example",
    ),
    (
        "terraform_token",
        "~abcdefghij0123.atlasv1.0123456789abcdefABCDEFabcdefABCDEF0123456789abcdef",
        "x.atlasv1.y",
    ),
    (
        "doppler_token",
        "dp.pt.~0123456789abcdefABCDEFabcdefABCDEF0123",
        "dp.pt.example",
    ),
    (
        "pulumi_token",
        "pul-~0123456789abcdef0123456789abcdef01234567",
        "pul-lover",
    ),
    (
        "1password_token",
        "ops_eyJ~0123456789abcdefABCDEFabcdefABCDEF0123456789",
        "ops_team",
    ),
    (
        "github_token",
        "ghp_~0123456789abcdefghijABCDEFGHIJ012345",
        "ghp_short",
    ),
    (
        "github_token",
        "ghs_~0123456789abcdefghijABCDEFGHIJ012345",
        "ghs_",
    ),
    (
        "github_fine_grained_pat",
        "github_pat_~0123456789abcdefghijABCDEFGHIJ",
        "github_pat_",
    ),
    ("gitlab_token", "glpat-~0123456789abcdefABCD", "glpat-"),
    ("gitlab_token", "glrt-~0123456789abcdefABCD", "glrt-x"),
    (
        "bitbucket_token",
        "ATBB~0123456789abcdefABCDEFabcdef0123",
        "ATBB",
    ),
    (
        "atlassian_token",
        "ATATT3~xFfGF0123456789abcdefABCDEFabcdefABCDEF0123456789",
        "ATATT3",
    ),
    (
        "npm_token",
        "npm_~0123456789abcdefABCDEFabcdefABCDEF0123",
        "npm_config_registry",
    ),
    (
        "pypi_token",
        "pypi-AgE~IcHlwaS5vcmc0123456789abcdefABCDEFabcdefABCDEF01",
        "pypi-server",
    ),
    (
        "rubygems_token",
        "rubygems_~0123456789abcdef0123456789abcdef0123456789abcdef",
        "rubygems_api",
    ),
    (
        "crates_token",
        "cio~0123456789abcdefABCDEFabcdefABCD",
        "cio0123456789",
    ),
    (
        "nuget_key",
        "oy2~abcdefghijklmnopqrstuvwxyz0123456789abcdefg",
        "oy2abc",
    ),
    (
        "docker_token",
        "dckr_pat_~0123456789abcdefABCDEFabcde",
        "dckr_pat_",
    ),
    (
        "jfrog_token",
        "AKCp~0123456789abcdefABCDEFabcdefABCDEF0123456789abcdefABCDEFabcdefABCDEF01",
        "AKCp",
    ),
    (
        "sonar_token",
        "squ_~0123456789abcdef0123456789abcdef01234567",
        "squ_are",
    ),
    (
        "circleci_token",
        "CCIPAT_~0123456789abcdefABCDEFabcdefABCDEF",
        "CCIPAT_1",
    ),
    (
        "buildkite_token",
        "bkua_~0123456789abcdef0123456789abcdef01234567",
        "bkua_x",
    ),
    (
        "postman_key",
        "PMAK-~0123456789abcdef01234567-0123456789abcdef0123456789abcdef01",
        "PMAK-1",
    ),
    (
        "snyk_token",
        "snyk_uat.~01234567.0123456789abcdefABCDEFabcdef",
        "snyk_uat.1",
    ),
    (
        "sourcegraph_token",
        "sgp_~0123456789abcdef_0123456789abcdef0123456789abcdef",
        "sgp_x",
    ),
    ("anthropic_key", "sk-ant-~api03-abc_DEF-123", "sk-antenna"),
    ("openai_key", "sk-proj-~0123456789abcdefABCDEF", "sk-proj-x"),
    (
        "openai_key",
        "sk-svcacct-~0123456789abcdef-ABCDEF",
        "sk-svcacct",
    ),
    (
        "openai_key",
        "sk-~0123456789abcdefABCDEF",
        "a task-force of the sky-blue kind",
    ),
    (
        "openrouter_key",
        "sk-or-v1-~0123456789abcdef0123456789abcdef",
        "sk-or-v1",
    ),
    (
        "hugging_face_token",
        "hf_~abcdefghijABCDEFGHIJ0123456789abcd",
        "hf_hub_download",
    ),
    (
        "groq_key",
        "gsk_~0123456789abcdefABCDEFabcdefABCDEF0123456789abcdef",
        "gsk_x",
    ),
    (
        "xai_key",
        "xai-~0123456789abcdefABCDEFabcdefABCDEF0123456789abcdef",
        "xai-grok",
    ),
    (
        "replicate_token",
        "r8_~0123456789abcdefABCDEFabcdefABCDEF0123",
        "r8_x",
    ),
    (
        "perplexity_key",
        "pplx-~0123456789abcdefABCDEFabcdefABCDEF0123456789",
        "pplx-70b-online",
    ),
    (
        "langsmith_key",
        "lsv2_pt_~0123456789abcdef0123456789abcdef_0123456789",
        "lsv2_pt",
    ),
    (
        "nvidia_key",
        "nvapi-~0123456789abcdefABCDEFabcdefABCDEF0123456789abcdef",
        "nvapi-",
    ),
    (
        "pinecone_key",
        "pcsk_~01234_0123456789abcdefABCDEFabcdefABCDEF0123456789",
        "pcsk_",
    ),
    (
        "tavily_key",
        "tvly-~dev-0123456789abcdefABCDEFabcdef",
        "tvly-",
    ),
    (
        "fireworks_key",
        "fw_~0123456789abcdefABCDEF",
        "fw_update_version",
    ),
    ("slack_token", "xoxb-~0123456789-abcdef", "xoxb-1"),
    ("slack_token", "xoxe.xoxp-~1-0123456789abcdef", "xoxe.xoxp"),
    (
        "slack_app_token",
        "xapp-~1-A0123456789-0123456789012-0123456789abcdef",
        "xapp-ios",
    ),
    (
        "slack_webhook",
        "https://hooks.slack.com/~services/T0123456/B0123456/0123456789abcdefABCDEFab",
        "https://hooks.slack.com/",
    ),
    (
        "discord_webhook",
        "https://discord.com/api/~webhooks/012345678901234567/0123456789abcdefABCDEFabcdefABCDEF",
        "https://discord.com/api/webhooks",
    ),
    (
        "teams_webhook",
        "https://x.webhook.office.com/~webhookb2/01234567-0123-0123-0123-012345678901@x/y",
        "https://x.webhook.office.com/",
    ),
    (
        "telegram_token",
        "bot0123456789~:AA0123456789abcdefABCDEFabcdefABCDE",
        "time 12:AA",
    ),
    (
        "twilio_key",
        "SK~0123456789abcdef0123456789abcdef",
        "SKU-0123456789",
    ),
    (
        "sendgrid_key",
        "SG.~0123456789abcdefABCDEF.0123456789abcdefABCDEFabcdefABCDEF012345678",
        "SG.x.y",
    ),
    (
        "mailgun_key",
        "key-~0123456789abcdef0123456789abcdef",
        "key-value store",
    ),
    (
        "sendinblue_key",
        "xkeysib-~0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-0123456789abcdef",
        "xkeysib-",
    ),
    (
        "linear_key",
        "lin_api_~0123456789abcdefABCDEFabcdefABCDEF012345",
        "lin_api_x",
    ),
    (
        "notion_token",
        "ntn_~0123456789abcdefABCDEFabcdefABCDEF0123456789",
        "ntn_",
    ),
    (
        "airtable_token",
        "pat~0123456789abcd.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "pattern.0123456789",
    ),
    (
        "figma_token",
        "figd_~0123456789abcdefABCDEFabcdefABCDEF",
        "figd_x",
    ),
    ("stripe_key", "sk_live_~0123456789abcdef", "sk_live_x"),
    (
        "stripe_key",
        "rk_test_~0123456789abcdef",
        "risk_test_0123456789",
    ),
    (
        "webhook_secret",
        "whsec_~0123456789abcdefABCDEFabcdef",
        "whsec_",
    ),
    ("square_token", "sq0atp-~0123456789abcdefABCDEF", "sq0atp"),
    (
        "shopify_token",
        "shpat_~0123456789abcdef0123456789abcdef",
        "shpat_x",
    ),
    (
        "plaid_token",
        "access-sandbox-~01234567-0123-0123-0123-012345678901",
        "access-sandbox-1",
    ),
    (
        "paypal_token",
        "access_token$~sandbox$0123456789abcdef$0123456789abcdef0123456789abcdef",
        "access_token$x",
    ),
    (
        "adyen_key",
        "AQEy~0123456789abcdefABCDEFabcdefABCDEF0123456789abcdefABCDEFabcdefABCDEF",
        "AQEyes",
    ),
    (
        "grafana_token",
        "glsa_~0123456789abcdefABCDEFabcdefABCD_01234567",
        "glsa_x",
    ),
    (
        "grafana_token",
        "glc_~eyJvIjoiMTIzNDU2Nzg5MCIsIm4iOiJleGFtcGxlIn0=",
        "glc_x",
    ),
    (
        "newrelic_key",
        "NRAK-~0123456789ABCDEFABCDEFABCDE",
        "NRAK-1",
    ),
    (
        "dynatrace_token",
        "dt0c01.~ABCDEFGHIJKLMNOPQRSTUVWX.ABCDEFGHIJKLMNOPQRSTUVWXABCDEFGHIJKLMNOPQRSTUVWXABCDEFGHIJKLMNOP",
        "dt0c01.x",
    ),
    (
        "sentry_token",
        "sntrys_~eyJpYXQiOjE2ODczMzY1NDMuNjk4NTksInVybCI6bnVsbH0=_abc",
        "sntrys_",
    ),
    (
        "databricks_token",
        "dapi~0123456789abcdef0123456789abcdef",
        "dapiary",
    ),
    (
        "hexgate_token",
        "fty_~live_shop_EnQKEwoEZXhhbXBsZQ==",
        "fty_live",
    ),
    ("jwt", "eyJ~hbGciOi.eyJzdWIi.SflKxwRJSM", "eyJhbGciOi.x.y"),
    (
        "jwe",
        "eyJ~hbGciOiJSU0EtT0FFUCJ9.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKo.48V1_ALb6US04U3b.5eym8TW_c8SuK0.XFBoMYUZodetZdvTiFvSkQ",
        "eyJhbGciOiJSUzI1NiJ9",
    ),
    (
        "basic_credentials",
        "Basic ~dXNlcjpwYXNzd29yZA==",
        "basic authentication, Basic subscription_2024",
    ),
    (
        "basic_credentials",
        "basic ~YWRtaW46aHVudGVyMg",
        "basic dXNlcm5hbWVvbmx5",
    ),
    ("bearer", "Bearer ~0123456789abcdef", "the bearer of this"),
    (
        "bearer",
        "bearer ~abcdefghijklmnop_q",
        "Bearer authentication-scheme.",
    ),
];

#[test]
fn what_the_keys_of_each_issuer_look_like_is_found_and_what_is_beside_it_is_not() {
    let redactor = Redactor::new(&Redaction::default()).unwrap();
    for (category, sample, near_miss) in SAMPLES {
        let secret = without_marks(sample);
        let text = format!("größe {secret}, ende");
        let clean = redactor.text(&text);
        assert!(
            clean.contains(&format!("[REDACTED:{category}]")),
            "{category}: {clean}"
        );
        let body: Vec<&str> = sample.split('~').collect();
        let hidden = body.last().unwrap().trim_end_matches("and no end");
        assert!(!clean.contains(hidden), "{category}: {clean}");
        // The same within JSON, and within JSON in a text of JSON.
        let json = serde_json::json!({ "q": text }).to_string();
        let nested = serde_json::json!({ "body": json }).to_string();
        for json in [json, nested] {
            let clean = redactor.json(&json).unwrap().unwrap_or_default();
            assert!(
                clean.contains(&format!("[REDACTED:{category}]")),
                "{category}: {clean}"
            );
        }
        let near = without_marks(near_miss);
        assert_eq!(redactor.text(&near), near, "{category}");
        let json = serde_json::json!({ "q": near }).to_string();
        assert_eq!(redactor.json(&json).unwrap(), None, "{category}");
    }
}

#[test]
fn every_pattern_has_a_sample() {
    for (category, _) in super::patterns() {
        assert!(
            SAMPLES.iter().any(|(it, _, _)| *it == category),
            "{category}"
        );
    }
}

fn without_marks(text: &str) -> String {
    // What is doubled stands for itself.
    text.replace("~~", "\0").replace('~', "").replace('\0', "~")
}
