//! What the keys of well-known issuers look like. Each pattern begins with what its issuer puts in front of all of its keys, so that ordinary texts
//! are left alone, and asks for as much of the rest as tells a key from a word.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// A category and a pattern each, found anywhere in a text.
const ISSUERS: &[(&str, &str)] = &[
    // Keys in armour, with everything up to its end; without an end, all that follows.
    (
        "private_key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?s:.)*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|(?s:.)*)",
    ),
    ("putty_key", r"PuTTY-User-Key-File-[0-9](?s:.)*"),
    ("age_key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{50}[0-9A-Z]*"),
    // Clouds.
    ("aws_access_key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}"),
    ("aws_bedrock_key", r"\bABSK[A-Za-z0-9+/]{40}[A-Za-z0-9+/=]*"),
    ("google_api_key", r"\bAIza[0-9A-Za-z_-]{16}[0-9A-Za-z_-]*"),
    (
        "google_oauth_secret",
        r"\bGOCSPX-[0-9A-Za-z_-]{20}[0-9A-Za-z_-]*",
    ),
    (
        "google_oauth_token",
        r"\bya29\.[0-9A-Za-z_-]{20}[0-9A-Za-z_.-]*",
    ),
    (
        "azure_client_secret",
        r"Q~[A-Za-z0-9_~.-]{31}[A-Za-z0-9_~.-]*",
    ),
    (
        "url_signature",
        r"[?&](?:sig|X-Amz-Signature|X-Goog-Signature)=[A-Za-z0-9%+/=_-]{16}[A-Za-z0-9%+/=_-]*",
    ),
    ("digitalocean_token", r"\bdo[opr]_v1_[a-f0-9]{32}[a-f0-9]*"),
    ("alibaba_access_key", r"\bLTAI[A-Za-z0-9]{16}[A-Za-z0-9]*"),
    (
        "fly_token",
        r"\b(?:FlyV1 )?fm[12][ar]?_[A-Za-z0-9+/=,_-]{40}[A-Za-z0-9+/=,_-]*",
    ),
    ("heroku_token", r"\bHRKU-[A-Za-z0-9_-]{30}[A-Za-z0-9_-]*"),
    (
        "planetscale_token",
        r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{24}[A-Za-z0-9_.=-]*",
    ),
    (
        "supabase_token",
        r"\bsb(?:p_[a-f0-9]{32}[a-f0-9]*|_secret_[A-Za-z0-9_-]{16}[A-Za-z0-9_-]*)",
    ),
    ("vault_token", r"\bhv[sbr]\.[A-Za-z0-9_-]{20}[A-Za-z0-9_-]*"),
    (
        "terraform_token",
        r"\.atlasv1\.[A-Za-z0-9_=-]{40}[A-Za-z0-9_=-]*",
    ),
    (
        "doppler_token",
        r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{30}[A-Za-z0-9_.-]*",
    ),
    ("pulumi_token", r"\bpul-[a-f0-9]{32}[a-f0-9]*"),
    (
        "1password_token",
        r"\bops_eyJ[A-Za-z0-9_=-]{40}[A-Za-z0-9_=-]*",
    ),
    // Code.
    ("github_token", r"\bgh[pousr]_[A-Za-z0-9]{16}[A-Za-z0-9]*"),
    (
        "github_fine_grained_pat",
        r"\bgithub_pat_[A-Za-z0-9_]{16}[A-Za-z0-9_]*",
    ),
    (
        "gitlab_token",
        r"\bgl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|oas|ffct)-[A-Za-z0-9_-]{20}[A-Za-z0-9_.=-]*",
    ),
    ("bitbucket_token", r"\bATBB[A-Za-z0-9]{28}[A-Za-z0-9]*"),
    (
        "atlassian_token",
        r"\bATATT3[A-Za-z0-9_=-]{40}[A-Za-z0-9_=-]*",
    ),
    ("npm_token", r"\bnpm_[A-Za-z0-9]{30}[A-Za-z0-9]*"),
    ("pypi_token", r"\bpypi-AgE[A-Za-z0-9_-]{40}[A-Za-z0-9_-]*"),
    ("rubygems_token", r"\brubygems_[a-f0-9]{32}[a-f0-9]*"),
    ("crates_token", r"\bcio[A-Za-z0-9]{32}\b"),
    ("nuget_key", r"\boy2[a-z0-9]{43}\b"),
    (
        "docker_token",
        r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20}[A-Za-z0-9_-]*",
    ),
    (
        "jfrog_token",
        r"\b(?:AKCp[0-9A-Za-z]{60}[0-9A-Za-z]*|cmVmdGtu[A-Za-z0-9]{40}[A-Za-z0-9]*)",
    ),
    ("sonar_token", r"\bsq[aup]_[a-f0-9]{32}[a-f0-9]*"),
    ("circleci_token", r"\bCCIPAT_[A-Za-z0-9_]{30}[A-Za-z0-9_]*"),
    ("buildkite_token", r"\bbk(?:ua|ut)_[a-f0-9]{32}[a-f0-9]*"),
    ("postman_key", r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{16}[a-f0-9]*"),
    (
        "snyk_token",
        r"\bsnyk_(?:uat|sat)\.[a-f0-9]{8}\.[A-Za-z0-9_.-]{20}[A-Za-z0-9_.-]*",
    ),
    (
        "sourcegraph_token",
        r"\bsg[psd]_[A-Za-z0-9_]{32}[A-Za-z0-9_]*",
    ),
    // Models.
    ("anthropic_key", r"\bsk-ant-[A-Za-z0-9_-]+"),
    (
        "openai_key",
        r"\bsk-(?:proj|svcacct|admin|None|service)-[A-Za-z0-9_-]{16}[A-Za-z0-9_-]*",
    ),
    (
        "openrouter_key",
        r"\bsk-or-(?:v1-)?[A-Za-z0-9]{16}[A-Za-z0-9]*",
    ),
    ("openai_key", r"\bsk-[A-Za-z0-9_]{16}[A-Za-z0-9_-]*"),
    (
        "hugging_face_token",
        r"\b(?:hf|api_org)_[A-Za-z0-9]{30}[A-Za-z0-9]*",
    ),
    ("groq_key", r"\bgsk_[A-Za-z0-9]{30}[A-Za-z0-9]*"),
    ("xai_key", r"\bxai-[A-Za-z0-9]{40}[A-Za-z0-9]*"),
    ("replicate_token", r"\br8_[A-Za-z0-9]{30}[A-Za-z0-9]*"),
    ("perplexity_key", r"\bpplx-[A-Za-z0-9]{32}[A-Za-z0-9]*"),
    ("langsmith_key", r"\blsv2_(?:pt|sk)_[a-f0-9]{32}[a-f0-9_]*"),
    ("nvidia_key", r"\bnvapi-[A-Za-z0-9_-]{40}[A-Za-z0-9_-]*"),
    (
        "pinecone_key",
        r"\bpcsk_[A-Za-z0-9]{5}[A-Za-z0-9_]{30}[A-Za-z0-9_]*",
    ),
    ("tavily_key", r"\btvly-[A-Za-z0-9_-]{24}[A-Za-z0-9_-]*"),
    ("fireworks_key", r"\bfw_[A-Za-z0-9]{22}[A-Za-z0-9]*"),
    // Messages.
    (
        "slack_token",
        r"\bxox[abceoprs]-[A-Za-z0-9-]{10}[A-Za-z0-9-]*",
    ),
    (
        "slack_token",
        r"\bxox[bep]\.xox[bp]-[A-Za-z0-9-]{10}[A-Za-z0-9-]*",
    ),
    (
        "slack_app_token",
        r"\bxapp-[0-9]-[A-Za-z0-9-]{10}[A-Za-z0-9-]*",
    ),
    (
        "slack_webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/]{20}[A-Za-z0-9/]*",
    ),
    (
        "discord_webhook",
        r"discord(?:app)?\.com/api/webhooks/[0-9]{10}[0-9]*/[A-Za-z0-9_-]{30}[A-Za-z0-9_-]*",
    ),
    (
        "teams_webhook",
        r"\.webhook\.office\.com/webhookb2/[A-Za-z0-9@-]{36}[A-Za-z0-9@/-]*",
    ),
    ("telegram_token", r":AA[A-Za-z0-9_-]{33}\b"),
    ("twilio_key", r"\bSK[a-f0-9]{32}\b"),
    (
        "sendgrid_key",
        r"\bSG\.[A-Za-z0-9_-]{16}[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{20}[A-Za-z0-9_-]*",
    ),
    ("mailgun_key", r"\b(?:key|pubkey)-[a-f0-9]{32}\b"),
    ("sendinblue_key", r"\bxkeysib-[a-f0-9]{64}[A-Za-z0-9-]*"),
    (
        "linear_key",
        r"\blin_(?:api|oauth)_[A-Za-z0-9]{32}[A-Za-z0-9]*",
    ),
    (
        "notion_token",
        r"\b(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40}[A-Za-z0-9]*)",
    ),
    (
        "airtable_token",
        r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{40}[a-f0-9]*",
    ),
    ("figma_token", r"\bfig[dou]_[A-Za-z0-9_-]{30}[A-Za-z0-9_-]*"),
    // Money.
    (
        "stripe_key",
        r"\b[rs]k_(?:live|test|org)_[A-Za-z0-9_]{10}[A-Za-z0-9_]*",
    ),
    (
        "webhook_secret",
        r"\bwhsec_[A-Za-z0-9+/=]{20}[A-Za-z0-9+/=]*",
    ),
    (
        "square_token",
        r"\bsq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22}[A-Za-z0-9_-]*",
    ),
    (
        "shopify_token",
        r"\bshp(?:at|ca|pa|ss|tka)_[A-Fa-f0-9]{32}[A-Fa-f0-9]*",
    ),
    (
        "plaid_token",
        r"\baccess-(?:sandbox|development|production)-[a-f0-9]{8}-[a-f0-9-]{27}",
    ),
    (
        "paypal_token",
        r"\baccess_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
    ),
    (
        "adyen_key",
        r"\bAQE[a-z][A-Za-z0-9+/=]{60}[A-Za-z0-9+/=.-]*",
    ),
    // Seeing what runs.
    (
        "grafana_token",
        r"\bgl(?:c_[A-Za-z0-9+/=]{32}[A-Za-z0-9+/=]*|sa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8})",
    ),
    (
        "newrelic_key",
        r"\b(?:NRAK|NRJS|NRRA|NRIQ)-[A-Za-z0-9]{19}[A-Za-z0-9]*",
    ),
    (
        "dynatrace_token",
        r"\bdt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{60}[A-Z0-9]*",
    ),
    (
        "sentry_token",
        r"\bsntr(?:ys|yu)_[A-Za-z0-9+/=_]{40}[A-Za-z0-9+/=_]*",
    ),
    ("databricks_token", r"\bdapi[a-f0-9]{32}(?:-[0-9])?"),
    // Of no single issuer.
    ("hexgate_token", r"\bfty_[A-Za-z0-9]+_[A-Za-z0-9_=-]+"),
    (
        "jwt",
        r"\beyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
    ),
    (
        "jwe",
        r"\beyJ[A-Za-z0-9_-]{10}[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{8}[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{16}[A-Za-z0-9_-]*",
    ),
];

/// The user and password of HTTP's basic authentication. What is found is one if it [decodes](is_credentials) to both.
pub(super) const BASIC: (&str, &str) = (
    "basic_credentials",
    r"(?i:\bbasic )[A-Za-z0-9+/_-]{6}[A-Za-z0-9+/_-]*={0,2}",
);

/// All of them.
pub(super) fn patterns() -> Vec<(String, String)> {
    let fixed = ISSUERS.iter().chain([&BASIC]);
    fixed
        .map(|(category, pattern)| ((*category).to_owned(), (*pattern).to_owned()))
        .chain([("bearer".to_owned(), bearer())])
        .collect()
}

/// Whether what [`BASIC`] found is a user and a password, and no word: `basic authentication`.
pub(super) fn is_credentials(found: &str) -> bool {
    let Some((_, encoded)) = found.split_once(' ') else {
        return false;
    };
    let encoded = encoded.trim_end_matches('=');
    let decoded = STANDARD_NO_PAD
        .decode(encoded)
        .or_else(|_| URL_SAFE_NO_PAD.decode(encoded));
    decoded
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .is_some_and(|text| text.contains(':') && !text.contains(char::is_control))
}

/// Twelve characters or more after `bearer`, and a digit or sign among them: without one it is a word.
fn bearer() -> String {
    const LETTER: &str = "[A-Za-z.-]";
    const SIGN: &str = "[0-9_~+/=]";
    const ANY: &str = "[A-Za-z0-9._~+/=-]";
    let by_first_sign = (0..12).map(|at| format!("{LETTER}{{{at}}}{SIGN}{ANY}{{{}}}", 11 - at));
    let later = format!("{LETTER}{{12}}{LETTER}*{SIGN}");
    let tokens: Vec<String> = by_first_sign.chain([later]).collect();
    format!(r"(?i:\bbearer )(?:{}){ANY}*", tokens.join("|"))
}

#[cfg(test)]
mod tests;
