//! Deciding by Rego that was printed from a policy of ours.
//!
//! Its answer says more than that of other Rego: which role decided and why each one denied. The plan beside it does not decide; it
//! is asked whether what the answer names is there.

use alloc::{string::String, vec::Vec};

use hexgate_contract::{Effect, Grant, PathScope, Request, Verdict, Wording};
use hexgate_eval::{Error, Plan};

use crate::answer::Answer;

const ROLE: &str = "the Rego policy's `role` is not an index of a role";
const SCOPE: &str = "the Rego policy's `scope` is not an id of a scope";
const DENIALS: &str = "the Rego policy's `denials` are not what they should be";
const HINT: &str = "the Rego policy's `hint` is not what it should be";

/// What an answer says, checked for its shape.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    says: Effect,
    grant: Grant,
    refusals: Vec<Refusal>,
    hint: Option<PathScope>,
}

/// Why one role denies.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    role: String,
    because: Because,
}

#[derive(Debug, PartialEq, Eq)]
enum Because {
    Mode,
    Unlisted,
    Constraints(Vec<String>),
    Scope,
}

/// Asks OPA.
#[cfg(target_arch = "wasm32")]
pub(crate) fn judge(plan: &Plan<'_>, request: &Request<'_>) -> Result<Judgement, Error> {
    let text = crate::opa::eval(plan, crate::input::Input::new(request).text())?;
    Judgement::of(&crate::answer::Reader::of(&text).read(&text)?)
}

impl Judgement {
    /// Reads what belongs to an answer of ours.
    fn of(answer: &Answer<'_>) -> Result<Self, Error> {
        answer.violations()?;
        let denials = answer
            .elements(answer.result(), "denials")
            .ok_or(Error::Internal(DENIALS))?;
        let mut refusals = Vec::new();
        for denial in denials {
            let violations = answer.strings(denial, "violations", DENIALS)?;
            let because = answer.string(denial, "because", DENIALS)?;
            refusals.push(Refusal {
                role: answer.string(denial, "role", DENIALS)?,
                because: match (because.as_str(), violations.is_empty()) {
                    ("mode", true) => Because::Mode,
                    ("unlisted", true) => Because::Unlisted,
                    ("scope", true) => Because::Scope,
                    ("constraints", false) => Because::Constraints(violations),
                    _ => return Err(Error::Internal(DENIALS)),
                },
            });
        }
        let hint = match answer.member(answer.result(), "hint") {
            None => None,
            Some(hint) => Some(PathScope {
                allowed: answer.strings(hint, "allowed", HINT)?,
                denied: answer.strings(hint, "denied", HINT)?,
                except: Vec::new(),
            }),
        };
        Ok(Self {
            says: answer.says()?,
            grant: Grant {
                role: answer.index("role", ROLE)?,
                scope: answer.index("scope", SCOPE)?,
            },
            refusals,
            hint,
        })
    }

    /// The verdict, if what the answer names is there. Its texts are copies: what they are copied from is wiped.
    pub(crate) fn verdict(&self, plan: &Plan<'_>, request: &Request<'_>) -> Result<Verdict, Error> {
        match self.says {
            Effect::Allow => Ok(Verdict::Allow(self.granted(plan, request)?)),
            Effect::NeedsApproval => Ok(Verdict::NeedsApproval(self.granted(plan, request)?.into())),
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
        let names = self.refusals.iter().map(|refusal| refusal.role.as_str());
        let mut wording = Wording::new(request.tool, names);
        for refusal in &self.refusals {
            let role = &refusal.role;
            if plan.find_role(role)?.is_none() {
                return Err(Error::Internal(DENIALS));
            }
            wording.role(role);
            match &refusal.because {
                Because::Mode => wording.denied(),
                Because::Unlisted => wording.unlisted(role),
                Because::Constraints(violations) => {
                    wording.denied();
                    for violation in violations {
                        wording.violation(violation);
                    }
                }
                Because::Scope => {
                    wording.denied();
                    wording.outside();
                }
            }
        }
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
                "hint":{"allowed":["*"],"denied":[]}}"#,
        )
        .unwrap();
        assert_eq!(judgement.says, Effect::Deny);
        assert_eq!(judgement.refusals.len(), 2);
        assert_eq!(
            judgement.refusals[0].because,
            Because::Constraints(alloc::vec!["a".into()])
        );
        assert_eq!(judgement.hint.unwrap().allowed, ["*"]);
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
            (r#""hint":null"#, r#""hint":[]"#),
        ] {
            let text = whole.replace(part, other);
            assert_ne!(text, whole);
            assert!(judged(&text).is_err(), "{text}");
        }
    }
}
