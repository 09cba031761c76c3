//! Deciding by Rego that was printed from a policy of ours.
//!
//! Its answer says more than that of other Rego: which role decided and why each one denied. The plan beside it does not decide; it
//! is asked whether what the answer names is there.

use alloc::{string::String, vec::Vec};

use hexgate_contract::{
    Effect, Grant, MAX_MESSAGE, NeededApproval, PathScope, Request, Verdict, Wording,
};
use hexgate_eval::{Error, Plan};

use crate::answer::Answer;

const ROLE: &str = "the Rego policy's `role` is not an index of a role";
const SCOPE: &str = "the Rego policy's `scope` is not an id of a scope";
const TERMS: &str = "the Rego policy's `terms` are not an id of approval terms";
const MESSAGE: &str = "the Rego policy's `message` is not a message";
const DENIALS: &str = "the Rego policy's `denials` are not what they should be";
const HINT: &str = "the Rego policy's `hint` is not what it should be";

/// What an answer says, checked for its shape.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    says: Effect,
    grant: Grant,
    terms: Option<u32>,
    message: Option<String>,
    refusals: Vec<Refusal>,
    hint: Option<PathScope>,
}

/// Why one role denies.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    /// None: no role can grant what is denied.
    role: Option<String>,
    because: Because,
}

#[derive(Debug, PartialEq, Eq)]
enum Because {
    Mode,
    Unlisted,
    Constraints(Vec<String>),
    Scope,
    Forbidden(Vec<String>),
}

/// Asks OPA.
#[cfg(target_arch = "wasm32")]
pub(crate) fn judge(plan: &Plan<'_>, request: &Request<'_>) -> Result<Judgement, Error> {
    let text = crate::opa::eval(plan, crate::input::Input::new(request).text())?;
    Judgement::of(&crate::answer::Reader::of(&text).read(&text)?)
}

impl Refusal {
    fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }
}

impl Judgement {
    /// Reads what belongs to an answer of ours.
    pub(crate) fn of(answer: &Answer<'_>) -> Result<Self, Error> {
        answer.violations()?;
        let denials = answer
            .elements(answer.result(), "denials")
            .ok_or(Error::Internal(DENIALS))?;
        let mut refusals = Vec::new();
        for denial in denials {
            let violations = answer.strings(denial, "violations", DENIALS)?;
            let because = answer.string(denial, "because", DENIALS)?;
            let role = match answer.member(denial, "role") {
                None => None,
                Some(_) => Some(answer.string(denial, "role", DENIALS)?),
            };
            refusals.push(Refusal {
                because: match (because.as_str(), violations.is_empty(), &role) {
                    ("forbidden", _, _) => Because::Forbidden(violations),
                    ("mode", true, Some(_)) => Because::Mode,
                    ("unlisted", true, Some(_)) => Because::Unlisted,
                    ("scope", true, Some(_)) => Because::Scope,
                    ("constraints", false, Some(_)) => Because::Constraints(violations),
                    _ => return Err(Error::Internal(DENIALS)),
                },
                role,
            });
        }
        let hint = match answer.member(answer.result(), "hint") {
            None => None,
            Some(hint) => Some(PathScope {
                allowed: answer.strings(hint, "allowed", HINT)?,
                denied: answer.strings(hint, "denied", HINT)?,
                except: match answer.member(hint, "except") {
                    None => Vec::new(),
                    Some(_) => answer.strings(hint, "except", HINT)?,
                },
            }),
        };
        Ok(Self {
            says: answer.says()?,
            grant: Grant {
                role: answer.index("role", ROLE)?,
                scope: answer.index("scope", SCOPE)?,
            },
            // Answers of policies that have neither do not speak of them.
            terms: match answer.member(answer.result(), "terms") {
                None => None,
                Some(_) => answer.index("terms", TERMS)?,
            },
            message: match answer.member(answer.result(), "message") {
                None => None,
                Some(_) => Some(answer.string(answer.result(), "message", MESSAGE)?),
            },
            refusals,
            hint,
        })
    }

    /// The verdict, if what the answer names is there. Its texts are copies: what they are copied from is wiped.
    pub(crate) fn verdict(&self, plan: &Plan<'_>, request: &Request<'_>) -> Result<Verdict, Error> {
        if self
            .message
            .as_ref()
            .is_some_and(|text| text.len() > MAX_MESSAGE)
        {
            return Err(Error::Internal(MESSAGE));
        }
        match self.says {
            Effect::Allow if self.terms.is_some() => Err(Error::Internal(TERMS)),
            Effect::Allow if self.message.is_some() => Err(Error::Internal(MESSAGE)),
            Effect::Allow => Ok(Verdict::Allow(self.granted(plan, request)?)),
            Effect::NeedsApproval => {
                let grant = self.granted(plan, request)?;
                if let Some(id) = self.terms
                    && plan.terms(id)?.is_none()
                {
                    return Err(Error::Internal(TERMS));
                }
                Ok(Verdict::NeedsApproval(NeededApproval {
                    grant,
                    terms: self.terms,
                    message: self.message.clone(),
                }))
            }
            Effect::Deny => self.denied(plan, request),
        }
    }

    fn granted(&self, plan: &Plan<'_>, request: &Request<'_>) -> Result<Grant, Error> {
        let named = match self.grant.role {
            None => Some("default"),
            Some(index) => request.roles.get(index as usize).copied(),
        };
        if plan
            .find_role(named.ok_or(Error::Internal(ROLE))?)?
            .is_none()
        {
            return Err(Error::Internal(ROLE));
        }
        if let Some(id) = self.grant.scope
            && plan.scope(id)?.is_none()
        {
            return Err(Error::Internal(SCOPE));
        }
        if !self.refusals.is_empty() || self.hint.is_some() {
            return Err(Error::Internal(DENIALS));
        }
        Ok(self.grant)
    }

    fn denied(&self, plan: &Plan<'_>, request: &Request<'_>) -> Result<Verdict, Error> {
        let names: Vec<&str> = self.refusals.iter().filter_map(Refusal::role).collect();
        let mut wording = match (self.refusals.as_slice(), names.as_slice()) {
            ([_], []) => Wording::for_all(request.tool),
            (refusals, names) if refusals.len() == names.len() => {
                Wording::new(request.tool, names.iter().copied())
            }
            _ => return Err(Error::Internal(DENIALS)),
        };
        for refusal in &self.refusals {
            let role = refusal.role().unwrap_or_default();
            if refusal.role.is_some() {
                if plan.find_role(role)?.is_none() {
                    return Err(Error::Internal(DENIALS));
                }
                wording.role(role);
            }
            let violations: &[String] = match &refusal.because {
                Because::Mode | Because::Unlisted | Because::Scope => &[],
                Because::Constraints(violations) | Because::Forbidden(violations) => violations,
            };
            match &refusal.because {
                Because::Unlisted => wording.unlisted(role),
                Because::Mode | Because::Constraints(_) | Because::Scope => wording.denied(),
                Because::Forbidden(_) => wording.forbidden(),
            }
            for violation in violations {
                wording.violation(violation);
            }
            if refusal.because == Because::Scope {
                wording.outside();
            }
        }
        wording.message(self.message.as_deref());
        wording.hint(self.hint.clone());
        Ok(Verdict::Deny(wording.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Reader;

    fn judged(result: &str) -> Result<Judgement, Error> {
        let text = alloc::format!("[{{\"result\":{result}}}]");
        let mut reader = Reader::of(&text);
        Judgement::of(&reader.read(&text)?)
    }

    #[test]
    fn all_of_an_answer_is_read() {
        let judgement = judged(
            r#"{"allow":false,"requires_approval":false,"violations":["a"],"role":null,"scope":null,
                "denials":[{"role":"x","because":"constraints","violations":["a"]},{"role":"y","because":"scope","violations":[]}],
                "hint":{"allowed":["*"],"denied":[],"except":["b"]},"terms":null,"message":"no"}"#,
        )
        .unwrap();
        assert_eq!(judgement.says, Effect::Deny);
        assert_eq!(judgement.message.as_deref(), Some("no"));
        assert_eq!(judgement.refusals.len(), 2);
        assert_eq!(
            judgement.refusals[0].because,
            Because::Constraints(alloc::vec!["a".into()])
        );
        let hint = judgement.hint.unwrap();
        assert_eq!(
            (hint.allowed, hint.except),
            (["*".into()].into(), ["b".into()].into())
        );
    }

    #[test]
    fn what_no_role_can_grant_is_denied_without_one() {
        let judgement = judged(
            r#"{"allow":false,"requires_approval":false,"violations":[],"role":null,"scope":null,
                "denials":[{"role":null,"because":"forbidden","violations":[]}],"hint":null}"#,
        )
        .unwrap();
        assert_eq!(judgement.refusals[0].role, None);
        assert_eq!(
            judgement.refusals[0].because,
            Because::Forbidden(Vec::new())
        );
    }

    #[test]
    fn an_answer_that_lacks_something_or_contradicts_itself_is_an_error() {
        let whole = r#"{"allow":true,"requires_approval":false,"violations":[],"role":1,"scope":null,"denials":[],"hint":null}"#;
        assert!(judged(whole).is_ok());
        for (part, other) in [
            (r#""role":1"#, r#""role":1.0"#),
            (r#""role":1"#, r#""role":-1"#),
            (r#""role":1"#, r#""role":"1""#),
            (r#","role":1"#, ""),
            (r#","scope":null"#, ""),
            (r#","denials":[]"#, ""),
            (r#""denials":[]"#, r#""denials":{}"#),
            (
                r#""denials":[]"#,
                r#""denials":[{"role":"x","because":"else","violations":[]}]"#,
            ),
            (
                r#""denials":[]"#,
                r#""denials":[{"role":"x","because":"mode","violations":["a"]}]"#,
            ),
            (
                r#""denials":[]"#,
                r#""denials":[{"role":"x","because":"constraints","violations":[]}]"#,
            ),
            (
                r#""denials":[]"#,
                r#""denials":[{"role":null,"because":"mode","violations":[]}]"#,
            ),
            (
                r#""denials":[]"#,
                r#""denials":[{"role":1,"because":"forbidden","violations":[]}]"#,
            ),
            (r#""hint":null"#, r#""hint":[]"#),
            (
                r#""hint":null"#,
                r#""hint":{"allowed":[],"denied":[],"except":"a"}"#,
            ),
            (r#""hint":null"#, r#""hint":null,"terms":"0""#),
            (r#""hint":null"#, r#""hint":null,"message":1"#),
        ] {
            let text = whole.replace(part, other);
            assert_ne!(text, whole);
            assert!(judged(&text).is_err(), "{text}");
        }
    }
}
