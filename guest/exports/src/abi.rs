//! Results in the layout that a host reads.
//!
//! The canonical ABI lays records and variants out as C would, so each is an array of 32-bit words here: discriminants fill the
//! first byte of theirs (the memory is little-endian), addresses and lengths are 32 bits wide. A host only reads a result, so
//! texts of the plan are handed over where they lie.

use alloc::{string::String, vec, vec::Vec};

use hexgate_contract::{Denial, Effect, Exceeded, Grant, Malformed, Verdict};
use hexgate_eval::{
    Error,
    plan::{Damaged, RuleRef, ScopeRef, Summary},
};

/// A list or a string: address and length.
pub type List = [u32; 2];

/// A result of any function, filled up with zeros to the length of the longest: `result<verdict, error>`.
pub type Answer = [u32; 12];

/// `result<verdict, error>`.
pub fn outcome(outcome: Result<Verdict, Error>) -> Answer {
    match outcome {
        Ok(Verdict::Allow(grant)) => granted(Effect::Allow, grant),
        Ok(Verdict::NeedsApproval(grant)) => granted(Effect::NeedsApproval, grant),
        Ok(Verdict::Deny(denial)) => denied(denial),
        Err(error) => failed(error),
    }
}

/// `about`.
pub fn about(about: &Summary<'_>) -> Answer {
    let [digest, digest_len] = list(hexadecimal(&about.source_digest));
    let [compiler, compiler_len] = view(about.compiler.as_bytes());
    let (roles, scopes) = (about.roles, about.scopes);
    let (arguments, facts) = (about.limits.arguments_bytes, about.limits.facts_bytes);
    filled([
        about.coverage as u32,
        digest,
        digest_len,
        compiler,
        compiler_len,
        roles,
        scopes,
        arguments,
        facts,
    ])
}

/// `about`, for a policy that cannot be read: nothing may be concluded from what it does not describe.
pub const OPAQUE: Answer = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// An empty list, or an option that is none.
pub const NOTHING: Answer = [0; 12];

/// `list<string>`.
pub fn names(names: Vec<List>) -> Answer {
    filled(list(names))
}

/// `option<list<rule>>`.
pub fn rules(rules: Vec<Rule>) -> Answer {
    let [rules, len] = list(rules);
    filled([1, rules, len])
}

/// `rule`.
pub type Rule = [u32; 8];

/// `rule`.
pub fn rule(rule: &RuleRef<'_>) -> Result<Rule, Damaged> {
    let (has_tool, [tool, tool_len]) = match rule.tool()? {
        Some(tool) => (1, view(tool.as_bytes())),
        None => (0, [0; 2]),
    };
    let mode = rule.mode()? as u32;
    let mut constraints = Vec::new();
    for index in 0..rule.constraint_count()? {
        constraints.push(view(rule.constraint(index)?.as_bytes()));
    }
    let [constraints, constraints_len] = list(constraints);
    let [has_scope, scope] = option(rule.scope()?);
    Ok([
        has_tool,
        tool,
        tool_len,
        mode,
        constraints,
        constraints_len,
        has_scope,
        scope,
    ])
}

/// `option<file-scope>`.
pub fn file_scope(scope: &ScopeRef<'_>) -> Result<Answer, Damaged> {
    let [argument, argument_len] = view(scope.argument()?.as_bytes());
    let paths = scope.paths()?;
    let [allowed, allowed_len] = texts(paths.allowed);
    let [denied, denied_len] = texts(paths.denied);
    Ok(filled([
        1,
        argument,
        argument_len,
        allowed,
        allowed_len,
        denied,
        denied_len,
    ]))
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

/// `option<u32>`.
pub fn option(value: Option<u32>) -> [u32; 2] {
    [u32::from(value.is_some()), value.unwrap_or_default()]
}

fn granted(effect: Effect, grant: Grant) -> Answer {
    let [has_role, role] = option(grant.role);
    let [has_scope, scope] = option(grant.scope);
    [
        0,
        0,
        effect as u32,
        has_role,
        role,
        has_scope,
        scope,
        0,
        0,
        0,
        0,
        0,
    ]
}

fn denied(denial: Denial) -> Answer {
    let [reason, reason_len] = view(String::leak(denial.reason).as_bytes());
    let [violations, violations_len] = texts(denial.violations);
    let (hint, allowed, denied) = match denial.hint {
        Some(paths) => (1, texts(paths.allowed), texts(paths.denied)),
        None => (0, [0; 2], [0; 2]),
    };
    [
        0,
        0,
        0,
        reason,
        reason_len,
        violations,
        violations_len,
        hint,
        allowed[0],
        allowed[1],
        denied[0],
        denied[1],
    ]
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
    filled([1, 0, case, 0, first, second, third, fourth])
}

fn filled<const N: usize>(words: [u32; N]) -> Answer {
    let mut answer = NOTHING;
    for (place, word) in answer.iter_mut().zip(words) {
        *place = word;
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

fn texts(texts: Vec<String>) -> List {
    list(
        texts
            .into_iter()
            .map(|text| view(String::leak(text).as_bytes()))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use hexgate_contract::{Coverage, Field, Limits, PathScope};

    use super::*;

    #[test]
    fn a_grant_lies_where_the_abi_reads_it() {
        let words = outcome(Ok(Verdict::Allow(Grant {
            role: Some(3),
            scope: None,
        })));
        assert_eq!(words, [0, 0, 2, 1, 3, 0, 0, 0, 0, 0, 0, 0]);
        let words = outcome(Ok(Verdict::NeedsApproval(Grant {
            role: None,
            scope: Some(7),
        })));
        assert_eq!(words, [0, 0, 1, 0, 0, 1, 7, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_denial_lies_where_the_abi_reads_it() {
        let words = outcome(Ok(Verdict::Deny(Denial {
            reason: "four".into(),
            violations: vec!["a".into(), "b".into(), "c".into()],
            hint: Some(PathScope {
                allowed: vec![],
                denied: vec!["x".into()],
            }),
        })));
        assert_eq!(words[..3], [0, 0, 0]);
        assert_eq!(
            [words[4], words[6], words[7], words[9], words[11]],
            [4, 3, 1, 0, 1]
        );
        let without = outcome(Ok(Verdict::Deny(Denial {
            reason: String::new(),
            violations: vec![],
            hint: None,
        })));
        assert_eq!(without[7..], [0; 5]);
    }

    #[test]
    fn the_policy_as_a_whole_lies_where_the_abi_reads_it() {
        let mut digest = [0; 32];
        digest[..3].copy_from_slice(&[0x00, 0x9a, 0xff]);
        let whole = Summary {
            coverage: Coverage::Complete,
            source_digest: digest,
            compiler: "it 1",
            roles: 2,
            scopes: 3,
            limits: Limits {
                arguments_bytes: 4,
                facts_bytes: 5,
            },
        };
        let words = about(&whole);
        assert_eq!([words[0], words[2], words[4]], [0, 64, 4]);
        assert_eq!(words[5..9], [2, 3, 4, 5]);
        let opaque = about(&Summary {
            coverage: Coverage::Opaque,
            ..whole
        });
        assert_eq!((opaque[0], &opaque[5..9]), (1, &words[5..9]));
        assert!(hexadecimal(&digest).starts_with(b"009aff00"));
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
