//! Results in the layout that a host reads.
//!
//! The canonical ABI lays records and variants out as C would, so each is an array of 32-bit words here: discriminants fill the
//! first byte of theirs (the memory is little-endian), addresses and lengths are 32 bits wide. A host only reads a result, so
//! texts of the plan are handed over where they lie.

use alloc::{string::String, vec, vec::Vec};
use core::mem::ManuallyDrop;

use hexgate_contract::{
    ApprovalTerms, Denial, Effect, Exceeded, FileScope, Grant, Malformed, Mode, NeededApproval,
    PathScope, Tools, Verdict,
};
use hexgate_eval::{Error, plan::Summary};

/// A list or a string: address and length.
pub type List = [u32; 2];

/// The words of the largest result, `result<verdict, error>`.
pub const ANSWER: usize = 18;

/// A result of any function, filled up with zeros to the length of the longest.
pub type Answer = [u32; ANSWER];

/// `result<verdict, error>`.
#[inline(never)]
pub fn outcome(outcome: Result<Verdict, Error>) -> Answer {
    match outcome {
        Ok(Verdict::Allow(grant)) => granted(Effect::Allow, grant, [0; 2], [0; 3]),
        Ok(Verdict::NeedsApproval(NeededApproval {
            grant,
            terms,
            message,
        })) => granted(
            Effect::NeedsApproval,
            grant,
            option(terms),
            optional(message),
        ),
        Ok(Verdict::Deny(denial)) => denied(denial),
        Err(error) => failed(error),
    }
}

/// `about`.
pub fn about(about: Summary<'_>) -> Answer {
    let about = &*ManuallyDrop::new(about);
    let [digest, digest_len] = list(hexadecimal(&about.source_digest));
    let [compiler, compiler_len] = view(about.compiler.as_bytes());
    let mut facts = Vec::with_capacity(about.facts.len());
    for fact in &about.facts {
        facts.push(view(fact.as_bytes()));
    }
    let [facts, facts_len] = list(facts);
    let [has_description, description, description_len] = some(about.description.as_deref());
    filled(&[
        about.coverage as u32,
        digest,
        digest_len,
        compiler,
        compiler_len,
        about.roles,
        about.scopes,
        about.terms,
        about.limits.arguments_bytes,
        about.limits.facts_bytes,
        facts,
        facts_len,
        has_description,
        description,
        description_len,
    ])
}

/// `about`, for a policy that cannot be read: nothing may be concluded from what it does not describe.
pub const OPAQUE: Answer = {
    let mut answer = NOTHING;
    answer[0] = 1;
    answer
};

/// An empty list, or an option that is none.
pub const NOTHING: Answer = [0; ANSWER];

/// `list<role>`.
pub fn roles(roles: Vec<Role>) -> Answer {
    filled(&list(roles))
}

/// `role`.
pub type Role = [u32; 5];

/// `role`.
pub fn role(name: &str, description: Option<&str>) -> Role {
    let [name, len] = view(name.as_bytes());
    let [has_description, description, description_len] = some(description);
    [name, len, has_description, description, description_len]
}

/// `option<list<rule>>`.
pub fn rules(rules: Vec<Rule>) -> Answer {
    let [rules, len] = list(rules);
    filled(&[1, rules, len])
}

/// `rule`.
pub type Rule = [u32; 16];

/// `rule`.
pub fn rule(
    tools: Tools<&str>,
    mode: Mode,
    constraints: Vec<&str>,
    scope: Option<u32>,
    terms: Option<u32>,
    message: Option<&str>,
    description: Option<&str>,
) -> Rule {
    let (case, [tools, tools_len]) = match tools {
        Tools::Unlisted => (0, [0; 2]),
        Tools::Exact(name) => (1, view(name.as_bytes())),
        Tools::Pattern(pattern) => (2, view(pattern.as_bytes())),
    };
    let [constraints, constraints_len] = views(constraints);
    let [has_scope, scope] = option(scope);
    let [has_terms, terms] = option(terms);
    let [has_message, message, message_len] = some(message);
    let [has_description, description, description_len] = some(description);
    [
        case,
        tools,
        tools_len,
        mode as u32,
        constraints,
        constraints_len,
        has_scope,
        scope,
        has_terms,
        terms,
        has_message,
        message,
        message_len,
        has_description,
        description,
        description_len,
    ]
}

/// `option<list<forbid>>`.
pub fn forbids(forbids: Vec<Forbid>) -> Answer {
    let [forbids, len] = list(forbids);
    filled(&[1, forbids, len])
}

/// `forbid`.
pub type Forbid = [u32; 12];

/// `forbid`.
pub fn forbid(
    tools: Vec<&str>,
    constraints: Vec<&str>,
    scope: Option<u32>,
    message: Option<&str>,
    description: Option<&str>,
) -> Forbid {
    let [tools, tools_len] = views(tools);
    let [constraints, constraints_len] = views(constraints);
    let [has_scope, scope] = option(scope);
    let [has_message, message, message_len] = some(message);
    let [has_description, description, description_len] = some(description);
    [
        tools,
        tools_len,
        constraints,
        constraints_len,
        has_scope,
        scope,
        has_message,
        message,
        message_len,
        has_description,
        description,
        description_len,
    ]
}

/// `option<file-scope>`.
pub fn file_scope(scope: FileScope) -> Answer {
    let scope = &*ManuallyDrop::new(scope);
    let [arguments, arguments_len] = texts(&scope.arguments);
    let [allowed, allowed_len, denied, denied_len, except, except_len] = paths(&scope.paths);
    let mut exclusions = Vec::with_capacity(scope.exclusions.len());
    for exclusion in &scope.exclusions {
        let [allowed, allowed_len, denied, denied_len, except, except_len] =
            paths(&exclusion.paths);
        exclusions.push([
            allowed,
            allowed_len,
            denied,
            denied_len,
            except,
            except_len,
            exclusion.style as u32,
        ]);
    }
    let [exclusions, exclusions_len] = list(exclusions);
    filled(&[
        1,
        arguments,
        arguments_len,
        scope.search.into(),
        allowed,
        allowed_len,
        denied,
        denied_len,
        except,
        except_len,
        scope.style as u32,
        exclusions,
        exclusions_len,
    ])
}

/// `option<approval-terms>`.
pub fn terms(terms: ApprovalTerms) -> Answer {
    let terms = &*ManuallyDrop::new(terms);
    let [roles, roles_len] = texts(&terms.roles);
    let [has_expires, expires] = option(terms.expires);
    let [has_approvers, approvers] = option(terms.approvers);
    // A boolean is one byte, and so it stands right behind its discriminant.
    let reason = terms
        .reason_required
        .map_or(0, |required| 1 | u32::from(required) << 8);
    filled(&[
        1,
        roles,
        roles_len,
        has_expires,
        expires,
        has_approvers,
        approvers,
        reason,
    ])
}

/// A list of items that are never freed.
pub fn list<T>(items: Vec<T>) -> List {
    view(Vec::leak(items))
}

/// A list that lies somewhere and stays there until the host has read it.
pub fn view<T>(items: &[T]) -> List {
    // Addresses have 32 bits where this is used; elsewhere, in tests, only their lower half is compared.
    #[allow(clippy::cast_possible_truncation, reason = "see above")]
    [items.as_ptr().addr() as u32, items.len() as u32]
}

/// Texts that stay where they lie.
fn views(texts: Vec<&str>) -> List {
    let mut views = Vec::with_capacity(texts.len());
    for text in texts {
        views.push(view(text.as_bytes()));
    }
    list(views)
}

/// `option<u32>`.
fn option(value: Option<u32>) -> [u32; 2] {
    [u32::from(value.is_some()), value.unwrap_or_default()]
}

/// `option<string>`, of a text that is never freed.
fn optional(value: Option<String>) -> [u32; 3] {
    some(value.map(|value| &*String::leak(value)))
}

/// `option<string>`, of a text that stays where it lies.
fn some(value: Option<&str>) -> [u32; 3] {
    let [address, len] = value.map_or([0; 2], |value| view(value.as_bytes()));
    [u32::from(value.is_some()), address, len]
}

fn granted(effect: Effect, grant: Grant, terms: [u32; 2], message: [u32; 3]) -> Answer {
    let [has_role, role] = option(grant.role);
    let [has_scope, scope] = option(grant.scope);
    let [has_terms, terms] = terms;
    let [has_message, message, message_len] = message;
    filled(&[
        0,
        0,
        effect as u32,
        has_role,
        role,
        has_scope,
        scope,
        has_terms,
        terms,
        has_message,
        message,
        message_len,
    ])
}

fn denied(denial: Denial) -> Answer {
    let denial = &*ManuallyDrop::new(denial);
    let [reason, reason_len] = view(denial.reason.as_bytes());
    let [violations, violations_len] = texts(&denial.violations);
    let has_hint = u32::from(denial.hint.is_some());
    let [allowed, allowed_len, denied, denied_len, except, except_len] =
        denial.hint.as_ref().map_or([0; 6], paths);
    let [has_message, message, message_len] = some(denial.message.as_deref());
    filled(&[
        0,
        0,
        Effect::Deny as u32,
        reason,
        reason_len,
        violations,
        violations_len,
        has_hint,
        allowed,
        allowed_len,
        denied,
        denied_len,
        except,
        except_len,
        has_message,
        message,
        message_len,
    ])
}

fn failed(error: Error) -> Answer {
    let (case, payload) = match error {
        Error::Malformed(Malformed {
            field,
            offset,
            reason,
        }) => {
            let [reason, len] = view(reason.as_bytes());
            (0, [field as u32, offset, reason, len])
        }
        Error::Exceeded(Exceeded { limit, allowed }) => {
            let [limit, len] = view(limit.as_bytes());
            (1, [limit, len, allowed as u32, (allowed >> 32) as u32])
        }
        Error::Internal(what) => {
            let [what, len] = view(what.as_bytes());
            (2, [what, len, 0, 0])
        }
    };
    let [first, second, third, fourth] = payload;
    filled(&[1, 0, case, 0, first, second, third, fourth])
}

#[inline(never)]
fn filled(words: &[u32]) -> Answer {
    let mut answer = NOTHING;
    for (place, word) in answer.iter_mut().zip(words) {
        *place = *word;
    }
    answer
}

fn hexadecimal(bytes: &[u8; 32]) -> Vec<u8> {
    let digit = |value: u8| {
        if value < 10 {
            b'0' + value
        } else {
            b'a' - 10 + value
        }
    };
    let mut text = vec![0; 64];
    for (pair, byte) in text.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    text
}

fn paths(paths: &PathScope) -> [u32; 6] {
    let [allowed, allowed_len] = texts(&paths.allowed);
    let [denied, denied_len] = texts(&paths.denied);
    let [except, except_len] = texts(&paths.except);
    [allowed, allowed_len, denied, denied_len, except, except_len]
}

/// Texts that are never freed.
#[inline(never)]
fn texts(texts: &[String]) -> List {
    let mut views = Vec::with_capacity(texts.len());
    for text in texts {
        views.push(view(text.as_bytes()));
    }
    list(views)
}

#[cfg(test)]
mod tests {
    use hexgate_contract::{Coverage, Exclusion, Field, Limits, PathStyle};

    use super::*;

    /// The words without addresses: those that are expected as 99.
    #[track_caller]
    fn assert_words(words: &[u32], expected: &[u32]) {
        let (shown, rest) = words.split_at(expected.len());
        let shown: Vec<u32> = shown
            .iter()
            .zip(expected)
            .map(|(word, expected)| if *expected == 99 { 99 } else { *word })
            .collect();
        assert_eq!(shown, expected);
        assert!(rest.iter().all(|word| *word == 0), "{rest:?}");
    }

    fn lists(counts: [usize; 3]) -> PathScope {
        let [allowed, denied, except] = counts.map(|count| vec![String::from("x"); count]);
        PathScope {
            allowed,
            denied,
            except,
        }
    }

    #[test]
    fn a_grant_lies_where_the_abi_reads_it() {
        let allow = Verdict::Allow(Grant {
            role: Some(3),
            scope: None,
        });
        assert_words(&outcome(Ok(allow)), &[0, 0, 2, 1, 3, 0, 0]);
        let grant = Grant {
            role: None,
            scope: Some(7),
        };
        let asks = Verdict::NeedsApproval(grant.into());
        assert_words(&outcome(Ok(asks)), &[0, 0, 1, 0, 0, 1, 7]);
        let asks = Verdict::NeedsApproval(NeededApproval {
            grant,
            terms: Some(2),
            message: Some("four".into()),
        });
        assert_words(&outcome(Ok(asks)), &[0, 0, 1, 0, 0, 1, 7, 1, 2, 1, 99, 4]);
    }

    #[test]
    fn a_denial_lies_where_the_abi_reads_it() {
        let words = outcome(Ok(Verdict::Deny(Denial {
            reason: "four".into(),
            violations: vec!["a".into(), "b".into(), "c".into()],
            hint: Some(lists([0, 1, 2])),
            message: Some("sorry".into()),
        })));
        assert_words(
            &words,
            &[0, 0, 0, 99, 4, 99, 3, 1, 99, 0, 99, 1, 99, 2, 1, 99, 5],
        );
        let without = outcome(Ok(Verdict::Deny(Denial::because(String::new()))));
        assert_words(&without, &[0, 0, 0, 99, 0, 99, 0]);
    }

    #[test]
    fn the_policy_as_a_whole_lies_where_the_abi_reads_it() {
        let mut digest = [0; 32];
        digest[..3].copy_from_slice(&[0x00, 0x9a, 0xff]);
        let whole = Summary {
            coverage: Coverage::Complete,
            source_digest: digest,
            compiler: "it 1".into(),
            roles: 2,
            scopes: 3,
            terms: 6,
            limits: Limits {
                arguments_bytes: 4,
                facts_bytes: 5,
            },
            facts: vec!["ctx".into(), "user.id".into()],
            description: Some("for people".into()),
        };
        let expected = [0, 99, 64, 99, 4, 2, 3, 6, 4, 5, 99, 2, 1, 99, 10];
        assert_words(&about(whole.clone()), &expected);
        let opaque = about(Summary {
            coverage: Coverage::Opaque,
            facts: Vec::new(),
            description: None,
            ..whole
        });
        assert_words(&opaque, &[1, 99, 64, 99, 4, 2, 3, 6, 4, 5, 99, 0]);
        assert!(hexadecimal(&digest).starts_with(b"009aff00"));
    }

    #[test]
    fn the_parts_of_a_description_lie_where_the_abi_reads_them() {
        let (tools, mode) = (Tools::Pattern("get_*"), Mode::NeedsApproval);
        let told = rule(tools, mode, vec!["a"], Some(4), Some(5), None, Some("why"));
        assert_words(&told, &[2, 99, 5, 1, 99, 1, 1, 4, 1, 5, 0, 0, 0, 1, 99, 3]);
        assert_words(&rules(vec![told, told]), &[1, 99, 2]);
        let (tools, mode) = (Tools::Unlisted, Mode::Deny);
        let told = rule(tools, mode, Vec::new(), None, None, Some("no"), None);
        assert_words(&told, &[0, 0, 0, 0, 99, 0, 0, 0, 0, 0, 1, 99, 2]);
        let told = forbid(vec!["a", "b*"], vec!["c"], Some(4), Some("no"), None);
        assert_words(&told, &[99, 2, 99, 1, 1, 4, 1, 99, 2]);
        assert_words(&forbids(vec![told]), &[1, 99, 1]);
        let told = role("a", Some("who"));
        assert_words(&told, &[99, 1, 1, 99, 3]);
        assert_words(&roles(vec![told]), &[99, 1]);
        let scope = file_scope(FileScope {
            arguments: vec!["path".into()],
            search: true,
            paths: lists([1, 2, 3]),
            style: PathStyle::Windows,
            exclusions: vec![Exclusion {
                paths: lists([0, 1, 0]),
                style: PathStyle::Posix,
            }],
        });
        assert_words(&scope, &[1, 99, 1, 1, 99, 1, 99, 2, 99, 3, 1, 99, 1]);
        let asked = |reason_required| {
            terms(ApprovalTerms {
                roles: vec!["lead".into()],
                expires: Some(60),
                approvers: None,
                reason_required,
            })
        };
        assert_words(&asked(None), &[1, 99, 1, 1, 60]);
        assert_words(&asked(Some(false)), &[1, 99, 1, 1, 60, 0, 0, 1]);
        assert_words(&asked(Some(true)), &[1, 99, 1, 1, 60, 0, 0, 0x101]);
    }

    #[test]
    fn an_error_lies_where_the_abi_reads_it() {
        let words = outcome(Err(Error::Malformed(Malformed {
            field: Field::Facts,
            offset: 9,
            reason: "why",
        })));
        assert_eq!(
            [words[0], words[2], words[4], words[5], words[7]],
            [1, 0, 3, 9, 3]
        );
        let words = outcome(Err(Error::Exceeded(Exceeded {
            limit: "depth",
            allowed: (5 << 32) | 64,
        })));
        assert_eq!(
            [words[0], words[2], words[5], words[6], words[7]],
            [1, 1, 5, 64, 5]
        );
        let words = outcome(Err(Error::Internal("damaged")));
        assert_eq!([words[0], words[2], words[5]], [1, 2, 7]);
    }
}
