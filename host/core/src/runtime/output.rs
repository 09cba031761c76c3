//! The checks of an answer, for all components.

use hexgate_contract::{
    ApprovalTerms, Denial, Grant, NeededApproval, Request, Summary, Verdict, is_message,
};

use crate::error::DecideError;

/// Refuses indices of what does not exist, and a message that the contract does not allow.
pub(crate) fn check(
    verdict: &Verdict,
    request: &Request<'_>,
    about: &Summary,
) -> Result<(), DecideError> {
    let roles = u32::try_from(request.roles.len()).unwrap_or(u32::MAX);
    let granted = |grant: &Grant| {
        below("role", grant.role, roles)?;
        below("scope", grant.scope, about.scopes)
    };
    match verdict {
        Verdict::Allow(grant) => granted(grant)?,
        Verdict::NeedsApproval(NeededApproval {
            grant,
            terms,
            message,
        }) => {
            granted(grant)?;
            below("terms", *terms, about.terms)?;
            told(message.as_deref())?;
        }
        Verdict::Deny(Denial { message, .. }) => told(message.as_deref())?,
    }
    Ok(())
}

/// Refuses terms that nobody could fulfil, or that nobody would have to.
pub(crate) fn check_terms(terms: ApprovalTerms) -> Result<ApprovalTerms, DecideError> {
    if terms.are_possible() {
        Ok(terms)
    } else {
        bad("terms of an approval that nobody can fulfil".into())
    }
}

fn below(what: &str, index: Option<u32>, count: u32) -> Result<(), DecideError> {
    match index {
        Some(index) if index >= count => bad(format!("{what} {index} of {count}")),
        _ => Ok(()),
    }
}

/// What is told to a model is short and of one line.
fn told(message: Option<&str>) -> Result<(), DecideError> {
    match message {
        Some(message) if !is_message(message) => {
            bad("a message that is too long, or has control characters".into())
        }
        _ => Ok(()),
    }
}

fn bad<T>(what: String) -> Result<T, DecideError> {
    Err(DecideError::BadOutput { what })
}

#[cfg(test)]
mod tests {
    use hexgate_contract::{Coverage, Limits, MAX_MESSAGE};

    use super::*;

    fn about(scopes: u32, terms: u32) -> Summary {
        Summary {
            coverage: Coverage::Complete,
            source_digest: String::new(),
            compiler: String::new(),
            roles: 0,
            scopes,
            terms,
            limits: Limits::DEFAULT,
            facts: Vec::new(),
            description: None,
        }
    }

    fn refusal(verdict: Verdict, scopes: u32, terms: u32) -> Option<String> {
        let request = Request::new("t", "{}").roles(&["a", "b"]);
        let checked = check(&verdict, &request, &about(scopes, terms));
        checked.err().map(|error| error.to_string())
    }

    #[test]
    fn refuses_indices_out_of_range() {
        let ask = |role, scope, scopes| refusal(Verdict::Allow(Grant { role, scope }), scopes, 0);
        assert_eq!(ask(None, None, 0), None);
        assert_eq!(ask(Some(1), Some(2), 3), None);
        assert!(ask(Some(2), None, 3).unwrap().contains("role 2 of 2"));
        assert!(ask(Some(u32::MAX), None, 3).is_some());
        assert!(ask(None, Some(3), 3).unwrap().contains("scope 3 of 3"));
        assert!(ask(Some(0), Some(0), 0).is_some());
        let needed = |scope, terms| {
            let grant = Grant { role: None, scope };
            let message = None;
            Verdict::NeedsApproval(NeededApproval {
                grant,
                terms,
                message,
            })
        };
        assert_eq!(refusal(needed(Some(0), Some(1)), 1, 2), None);
        let refused = refusal(needed(Some(0), Some(2)), 1, 2).unwrap();
        assert!(refused.contains("terms 2 of 2"), "{refused}");
        assert!(refusal(needed(Some(1), None), 1, 2).is_some());
    }

    #[test]
    fn refuses_messages_that_a_model_should_not_be_told() {
        let denied = |message: &str| {
            let mut denial = Denial::because("no".into());
            denial.message = Some(message.into());
            refusal(Verdict::Deny(denial), 0, 0)
        };
        assert_eq!(denied("Ask the customer — call us."), None);
        assert_eq!(denied(&"x".repeat(MAX_MESSAGE)), None);
        for message in [
            "two\nlines",
            "\u{85}",
            "\u{1b}[0m",
            &"x".repeat(MAX_MESSAGE + 1),
        ] {
            let refused = denied(message).unwrap();
            assert!(refused.contains("message"), "{refused}");
        }
        let grant = Grant {
            role: None,
            scope: None,
        };
        let mut needed = NeededApproval::from(grant);
        needed.message = Some("\0".into());
        assert!(refusal(Verdict::NeedsApproval(needed), 0, 0).is_some());
    }

    #[test]
    fn refuses_terms_that_cannot_be() {
        let check = |approvers, expires| {
            check_terms(ApprovalTerms {
                approvers,
                expires,
                ..ApprovalTerms::default()
            })
        };
        assert!(check(None, None).is_ok());
        assert!(check(Some(8), Some(1)).is_ok());
        for (approvers, expires) in [(Some(0), None), (Some(9), None), (None, Some(0))] {
            assert!(check(approvers, expires).is_err());
        }
    }
}
