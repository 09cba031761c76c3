//! Tokens: whose they are, what they forbid, and what makes them none.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use biscuit_auth::{Algorithm, Biscuit, BlockBuilder, KeyPair, PrivateKey};
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::token::{
    Attenuation, Envelope, RootKey, Token, TokenError, TokenVerifier, attenuate, mint,
};
use hexgate_enforce::{Cause, Effect, Enforcer, LivePolicy};
use hexgate_host::Engine;

use crate::fixture::*;

const ROOT: [u8; 32] = [11; 32];

fn time(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(second)
}

const NOW: u64 = 1_900_000_000;

fn issuer() -> TokenVerifier {
    let key = hexgate_compiler::bundle::PrivateKey::from_bytes(&ROOT).public_key();
    TokenVerifier::new([key], "live", "acme").unwrap()
}

fn project() -> Envelope {
    mint(&RootKey::from_bytes(&ROOT).unwrap(), "live", "acme").unwrap()
}

fn for_user(user: &str, roles: &[&str], expires_at: Option<u64>) -> Envelope {
    let attenuation = Attenuation {
        user: user.to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        expires_at: expires_at.map(time),
    };
    attenuate(&project(), &issuer(), &attenuation).unwrap()
}

fn key_pair(bytes: &[u8; 32]) -> KeyPair {
    KeyPair::from(&PrivateKey::from_bytes(bytes, Algorithm::Ed25519).unwrap())
}

/// A token with the root's block and these others, as anybody with a biscuit library could make one.
fn handmade(root: &str, blocks: &[&str]) -> Envelope {
    let mut biscuit = Biscuit::builder()
        .code(root)
        .unwrap()
        .build(&key_pair(&ROOT))
        .unwrap();
    for block in blocks {
        biscuit = biscuit
            .append(BlockBuilder::new().code(block).unwrap())
            .unwrap();
    }
    envelope(&biscuit)
}

fn envelope(biscuit: &Biscuit) -> Envelope {
    let text = format!("fty_live_acme_{}", biscuit.to_base64().unwrap());
    Envelope::parse(&text).unwrap()
}

fn verified(envelope: &Envelope) -> Token {
    issuer().verify(envelope, time(NOW)).unwrap()
}

fn refused(envelope: &Envelope) -> TokenError {
    issuer().verify(envelope, time(NOW)).unwrap_err()
}

/// An enforcer whose clock is turned by hand.
fn enforcer(clock: &HandClock, policy: &str) -> Enforcer {
    let engine = Engine::builder().clock(clock.clone()).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, policy).unwrap();
    let live = LivePolicy::open(&engine, PolicyFile::dangerous_unsigned(&path)).unwrap();
    Enforcer::builder(AGENT, &live).build().unwrap()
}

#[test]
fn a_token_says_who_calls() {
    let names = "a\"); role(\"admin"; // a name, and no program
    for (user, roles) in [
        ("alice", &["support", "billing"] as &[&str]),
        (names, &["größe 😀", names]),
        ("nobody in particular", &[]),
        ("user", &["role", "tool", "time"]),
    ] {
        let token = verified(&for_user(user, roles, None));
        assert_eq!((token.user(), token.roles().len()), (user, roles.len()));
        assert!(token.roles().iter().eq(roles));
        assert_eq!((token.environment(), token.project()), ("live", "acme"));
        let caller = token.caller(Some("s-1"), BTreeMap::new()).unwrap();
        assert_eq!((caller.user_id(), caller.session()), (user, Some("s-1")));
        assert!(caller.roles().iter().eq(roles));
    }
}

#[test]
fn ours_are_sealed() {
    let envelope = for_user("alice", &["support"], None);
    let text = envelope.expose().strip_prefix("fty_live_acme_").unwrap();
    let biscuit = Biscuit::from_base64(text, key_pair(&ROOT).public()).unwrap();
    let appended = biscuit.append(BlockBuilder::new().code("role(\"admin\")").unwrap());
    assert!(appended.is_err());
    let again = Attenuation {
        user: "bob".into(),
        roles: vec![],
        expires_at: None,
    };
    assert!(matches!(
        attenuate(&envelope, &issuer(), &again),
        Err(TokenError::Attenuated { .. })
    ));
}

#[test]
fn who_could_not_call_gets_no_token() {
    for user in ["", "x\nrole(\"admin\");\ny", &"x".repeat(300)] {
        let attenuation = Attenuation {
            user: user.to_owned(),
            roles: vec![],
            expires_at: None,
        };
        let refused = attenuate(&project(), &issuer(), &attenuation);
        assert!(matches!(refused, Err(TokenError::Caller(_))), "{user:?}");
    }
    assert!(mint(&RootKey::from_bytes(&ROOT).unwrap(), "live", "a_b").is_err());
}

#[test]
fn identity_stands_in_one_block_and_once() {
    let alice = "user(\"alice\"); role(\"support\")";
    let second = |block, name| TokenError::SecondIdentity { block, name };
    for (root, blocks, error) in [
        ("user(\"root\")", &[alice] as &[&str], second(0, "user")),
        ("role(\"root\")", &[alice], second(0, "role")),
        ("", &[alice, "user(\"admin\")"], second(2, "user")),
        ("", &[alice, "role(\"admin\")"], second(2, "role")),
        (
            "",
            &[alice, "check if true", "role(\"admin\")"],
            second(3, "role"),
        ),
        ("", &["user(\"alice\"); user(\"admin\")"], second(1, "user")),
        // Concluding it is saying it.
        ("", &[alice, "role($r) <- user($r)"], second(2, "role")),
        (
            "",
            &["user(\"alice\"); role($u) <- user($u)"],
            second(1, "role"),
        ),
        ("user($u) <- time($u)", &[alice], second(0, "user")),
        // With other terms it is not less of a claim.
        ("", &[alice, "role(\"admin\", 1)"], second(2, "role")),
        ("", &["user(1)"], TokenError::Identity { name: "user" }),
        (
            "",
            &["user(\"a\", \"b\")"],
            TokenError::Identity { name: "user" },
        ),
        (
            "",
            &["user(\"a\"); role(7)"],
            TokenError::Identity { name: "role" },
        ),
        ("", &["role(\"support\")"], TokenError::NoUser),
        ("", &["check if true", alice], second(2, "user")),
        ("", &[], TokenError::NoUser),
    ] {
        assert_eq!(refused(&handmade(root, blocks)), error, "{root} {blocks:?}");
    }
    let token = verified(&handmade(
        "limit(5)",
        &[alice, "note(\"user\"); seen(\"role\")"],
    ));
    assert_eq!(
        (token.user(), token.roles()),
        ("alice", &["support".to_owned()][..])
    );
    // A name in the token that no caller can have.
    let token = verified(&handmade("", &["user(\"a\nb\")"]));
    assert!(token.caller(None, BTreeMap::new()).is_err());
}

#[test]
fn what_was_changed_or_comes_from_elsewhere_is_refused() {
    let good = for_user("alice", &["support"], None);
    verified(&good);
    let prefix = "fty_live_acme_";
    let body = good.expose().strip_prefix(prefix).unwrap();
    let bytes = URL_SAFE.decode(body).unwrap();
    let of_bytes =
        |bytes: &[u8]| Envelope::parse(&format!("{prefix}{}", URL_SAFE.encode(bytes))).unwrap();
    // Cut off anywhere.
    for length in 1..bytes.len() {
        let error = refused(&of_bytes(&bytes[..length]));
        assert!(
            matches!(error, TokenError::Damaged { .. } | TokenError::Signature),
            "{length}: {error}"
        );
    }
    // (Some who pass a token on leave the padding out.)
    for length in 1..body.trim_end_matches('=').len() {
        let cut = Envelope::parse(&format!("{prefix}{}", &body[..length])).unwrap();
        assert!(issuer().verify(&cut, time(NOW)).is_err(), "{length}");
    }
    // Any byte changed.
    for index in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[index] ^= 1;
        assert!(
            issuer().verify(&of_bytes(&changed), time(NOW)).is_err(),
            "{index}"
        );
    }
    // Another key, no key, another environment, another project.
    let other = hexgate_compiler::bundle::PrivateKey::from_bytes(&[12; 32]).public_key();
    let own = hexgate_compiler::bundle::PrivateKey::from_bytes(&ROOT).public_key();
    let verify = |keys: Vec<_>, environment: &str, project: &str| {
        let issuer = TokenVerifier::new(keys, environment, project).unwrap();
        issuer.verify(&good, time(NOW)).map(|_| ())
    };
    let several = vec![other.clone(), own.clone()];
    assert_eq!(verify(several, "live", "acme"), Ok(()));
    assert_eq!(
        verify(vec![other], "live", "acme"),
        Err(TokenError::Signature)
    );
    assert_eq!(verify(vec![], "live", "acme"), Err(TokenError::Signature));
    let text = |what| {
        verify(vec![own.clone()], what, "acme")
            .unwrap_err()
            .to_string()
    };
    assert!(
        text("test").contains("environment `live`"),
        "{}",
        text("test")
    );
    assert!(
        verify(vec![own.clone()], "live", "other")
            .unwrap_err()
            .to_string()
            .contains("project `acme`")
    );
    // What stands around the biscuit is anybody's to change, and the root key signed something else.
    for (rewritten, environment, project) in [
        (format!("fty_test_acme_{body}"), "test", "acme"),
        (format!("fty_live_other_{body}"), "live", "other"),
    ] {
        let issuer = TokenVerifier::new([own.clone()], environment, project).unwrap();
        let rewritten = Envelope::parse(&rewritten).unwrap();
        assert!(matches!(
            issuer.verify(&rewritten, time(NOW)),
            Err(TokenError::Other { .. })
        ));
    }
}

#[test]
fn a_block_of_a_third_party_is_refused() {
    let biscuit = Biscuit::builder().build(&key_pair(&ROOT)).unwrap();
    let biscuit = biscuit
        .append(BlockBuilder::new().code("user(\"alice\")").unwrap())
        .unwrap();
    let stranger = PrivateKey::from_bytes(&[13; 32], Algorithm::Ed25519).unwrap();
    let block = biscuit
        .third_party_request()
        .unwrap()
        .create_block(
            &stranger,
            BlockBuilder::new().code("role(\"admin\")").unwrap(),
        )
        .unwrap();
    let key = KeyPair::from(&stranger).public();
    let biscuit = biscuit.append_third_party(key, block).unwrap();
    assert_eq!(
        refused(&envelope(&biscuit)),
        TokenError::ThirdParty { block: 2 }
    );
}

#[test]
fn a_token_has_limits() {
    let blocks = |count| {
        let mut blocks = vec!["user(\"alice\")"];
        blocks.resize(count, "check if true");
        handmade("", &blocks)
    };
    verified(&blocks(15));
    assert!(matches!(
        refused(&blocks(16)),
        TokenError::TooLarge { found: 17, .. }
    ));
}

/// What can be appended to a token to keep a host busy is refused before any of it is evaluated.
#[test]
fn a_token_costs_little_to_evaluate() {
    let facts: String = (0..30).map(|number| format!("n({number});")).collect();
    let names = ["$a", "$b", "$c", "$d", "$e", "$f", "$g", "$h", "$i"];
    let join = |count: usize| {
        let body: Vec<String> = names[..count]
            .iter()
            .map(|name| format!("n({name})"))
            .collect();
        body.join(", ")
    };
    let nested = |depth: usize| {
        let set = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]";
        names[..depth]
            .iter()
            .fold("true".to_owned(), |inner, name| {
                format!("{set}.all({name} -> {inner})")
            })
    };
    for (block, why) in [
        (
            format!("{facts} pair($a, $b) <- n($a), n($b); check if pair(1, 2)"),
            "a rule",
        ),
        (format!("{facts} check if {}, $a < 0", join(3)), "steps"),
        (format!("{facts} check if {}, $a < 0", join(9)), "steps"),
        (format!("{facts} check all {}, $a < 0", join(4)), "steps"),
        (format!("{facts} reject if {}, $a < 0", join(9)), "steps"),
        (format!("check if {}", nested(1)), "collection"),
        (format!("check if {}", nested(8)), "collection"),
        (format!("check if true || {}", nested(2)), "collection"),
        (
            "check if user($u), $u.matches(\"^(?:a?){60000}c\")".to_owned(),
            "a regular expression",
        ),
        (
            "check if user($u), $u.matches(\"^[a-z]+$\")".to_owned(),
            "a regular expression",
        ),
        (
            format!(
                "check if ({}).length() > 0",
                ["\"aaaaaaaaaaaaaaaa\""; 600].join(" + ")
            ),
            "steps",
        ),
    ] {
        let begin = std::time::Instant::now();
        let error = refused(&handmade("", &["user(\"alice\")", &block])).to_string();
        assert!(error.contains(why), "{block}: {error}");
        // Not a measurement: evaluated, the worst of them would not end.
        assert!(begin.elapsed() < Duration::from_secs(30), "{block}");
    }
    // What people write is far below.
    let roles: String = (0..32)
        .map(|number| format!("role(\"r{number}\");"))
        .collect();
    let usual = format!(
        "user(\"alice\"); {roles} check if time($now), $now <= 2100-01-01T00:00:00Z; check if role($r), [\"r31\"].contains($r); \
         check if user($u), role($r), environment($e), $u != \"bob\" || $r == \"r1\" && $e == \"live\";"
    );
    let narrow = "check if tool($t), [\"view_order\", \"refund_order\"].contains($t) or agent(\"support-bot\"); \
                  check if user($u), $u.starts_with(\"al\") && $u.length() < 20 || (\"team/\" + $u).contains(\"bob\")";
    let token = verified(&handmade("", &[&usual, narrow]));
    assert_eq!(token.roles().len(), 32);
}

#[test]
fn every_check_is_evaluated_at_every_decision() {
    let clock = HandClock::at(NOW);
    let enforcer = enforcer(&clock, BILLING);
    let decide = |envelope: &Envelope, tool: &'static str| {
        let (clock, enforcer) = (clock.clone(), enforcer.clone());
        let caller = verified(envelope).caller(None, BTreeMap::new()).unwrap();
        move |second: u64| {
            clock.set(second);
            let decision = enforcer.decide(&caller, tool, "{}");
            (decision.outcome(), decision.cause())
        }
    };
    let good = (Effect::Allow, Cause::Policy);
    let bad = (Effect::Deny, Cause::Token);

    let expiring = for_user("alice", &["support"], Some(NOW + 60));
    let view = decide(&expiring, "view_order");
    assert_eq!(view(NOW), good);
    assert_eq!(view(NOW + 59), good);
    assert_eq!(view(NOW + 60), bad);
    // The clock went back: what held once is not remembered for another second.
    assert_eq!(view(NOW + 59), good);
    assert!(matches!(
        issuer().verify(&expiring, time(NOW + 60)),
        Err(TokenError::Expired { .. })
    ));

    // A later block narrows: to a tool, to an agent, to a shorter time.
    let alice = "user(\"alice\"); role(\"support\")";
    let narrowed = handmade("", &[alice, "check if tool(\"view_order\")"]);
    assert_eq!(decide(&narrowed, "view_order")(NOW), good);
    assert_eq!(decide(&narrowed, "read_file")(NOW), bad);
    let narrowed = handmade("", &[alice, "check if agent(\"other-bot\")"]);
    assert_eq!(decide(&narrowed, "view_order")(NOW), bad);
    let shorter = handmade(
        "check if time($t), $t < 2040-01-01T00:00:00Z",
        &[alice, "check if time($t), $t < 2031-01-01T00:00:00Z"],
    );
    let view = decide(&shorter, "view_order");
    assert_eq!((view(NOW), view(NOW + 30_000_000)), (good, bad));
    // A block that says another time says it to itself.
    let lying = handmade(
        "",
        &[
            "user(\"alice\"); role(\"support\"); check if time($t), $t < 2031-01-01T00:00:00Z",
            "time(2030-01-01T00:00:00Z)",
        ],
    );
    let view = decide(&lying, "view_order");
    assert_eq!((view(NOW), view(NOW + 30_000_000)), (good, bad));
    // A check that wants what no host says never holds.
    assert!(matches!(
        refused(&handmade("", &[alice, "check if moon(\"full\")"])),
        TokenError::Check { .. }
    ));
}

#[test]
fn a_token_is_revoked_by_the_id_of_any_of_its_blocks() {
    let clock = HandClock::at(NOW);
    let enforcer = enforcer(&clock, BILLING);
    let project = project();
    let token = |user: &str| {
        let attenuation = Attenuation {
            user: user.into(),
            roles: vec!["support".into()],
            expires_at: None,
        };
        verified(&attenuate(&project, &issuer(), &attenuation).unwrap())
    };
    let (alice, bob) = (token("alice"), token("bob"));
    let causes = || {
        [&alice, &bob].map(|token| {
            let caller = token.caller(None, BTreeMap::new()).unwrap();
            enforcer.decide(&caller, "view_order", "{}").cause()
        })
    };
    assert_eq!(causes(), [Cause::Policy, Cause::Policy]);
    let ids = alice.revocation_ids();
    enforcer
        .kill_switch()
        .revoke_token(ids[1].clone(), "lost phone");
    assert_eq!(causes(), [Cause::Stopped, Cause::Policy]);
    // The first is the one of the project's token, from which both were made.
    enforcer
        .kill_switch()
        .revoke_token(ids[0].clone(), "leaked key");
    assert_eq!(causes(), [Cause::Stopped, Cause::Stopped]);
}

#[test]
fn a_token_of_another_project_does_not_call_by_this_policy() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("bundle");
    let release = hexgate_compiler::Release {
        project: Some("other".into()),
        ..release(1)
    };
    write_bundle(&folder, BILLING, &release, Some(&key(1)));
    let expectation = hexgate_compiler::bundle::Expectation::agent(AGENT).in_project("other");
    let source = hexgate_enforce::source::BundleDir::new(&folder, trusted(1), expectation);
    let live = LivePolicy::open(&engine(), source).unwrap();
    let enforcer = Enforcer::builder(AGENT, &live).build().unwrap();
    let token = verified(&for_user("alice", &["support"], None));
    let caller = token.caller(None, BTreeMap::new()).unwrap();
    let decision = enforcer.decide(&caller, "view_order", "{}");
    assert_eq!(
        (decision.outcome(), decision.cause()),
        (Effect::Deny, Cause::Token)
    );
    assert!(enforcer.decide(&alice(), "view_order", "{}").is_allowed());
}
