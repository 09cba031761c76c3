//! What a host checks about an answer, whoever gave it.

use hexgate_contract::{Grant, Request, Verdict};

use crate::error::DecideError;

/// Refuses a grant that points at a role or a scope that is not there.
pub(crate) fn check(
    verdict: Verdict,
    request: &Request<'_>,
    scopes: u32,
) -> Result<Verdict, DecideError> {
    match &verdict {
        Verdict::Deny(_) => {}
        Verdict::NeedsApproval(grant) | Verdict::Allow(grant) => {
            check_grant(*grant, request.roles.len(), scopes)?
        }
    }
    Ok(verdict)
}

fn check_grant(grant: Grant, roles: usize, scopes: u32) -> Result<(), DecideError> {
    let outside = |what: &str, index: u32, count: usize| {
        Err(DecideError::BadOutput {
            what: format!("{what} {index} of {count}"),
        })
    };
    match (grant.role, grant.scope) {
        (Some(role), _) if usize::try_from(role).map_or(true, |role| role >= roles) => {
            outside("role", role, roles)
        }
        (_, Some(scope)) if scope >= scopes => outside(
            "scope",
            scope,
            usize::try_from(scopes).unwrap_or(usize::MAX),
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_indices_out_of_range() {
        let request = Request::new("t", "{}").roles(&["a", "b"]);
        let ask =
            |role, scope, scopes| check(Verdict::Allow(Grant { role, scope }), &request, scopes);
        assert!(ask(None, None, 0).is_ok());
        assert!(ask(Some(1), Some(2), 3).is_ok());
        assert!(
            ask(Some(2), None, 3)
                .unwrap_err()
                .to_string()
                .contains("role 2 of 2")
        );
        assert!(ask(Some(u32::MAX), None, 3).is_err());
        assert!(
            ask(None, Some(3), 3)
                .unwrap_err()
                .to_string()
                .contains("scope 3 of 3")
        );
        assert!(ask(Some(0), Some(0), 0).is_err());
    }
}
