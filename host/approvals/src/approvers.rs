//! Who may answer: the approvers, their keys and their roles.

use std::{collections::HashSet, path::Path};

use hexgate_base::names;
use hexgate_bundle::{PrivateKey, PublicKey, Timestamp};

use crate::{
    answer::{Answer, Decision},
    call::Conditions,
    refusal::Refusal,
    request::Request,
};

mod error;
mod file;

pub use error::ApproversError;

/// A person who may answer requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// The id in answers, and this person's user id as a caller.
    pub id: String,
    /// The keys that this person signs with. More than one while they rotate.
    pub keys: Vec<PublicKey>,
    /// The roles for which this person may answer.
    pub roles: Vec<String>,
    /// Further user ids of this person as a caller.
    pub users: Vec<String>,
}

/// All approvers. The list alone decides whose answers count, so a user who can change it can approve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approvers(Vec<Approver>);

impl Approvers {
    /// These approvers.
    ///
    /// # Errors
    ///
    /// If one has no id, no key or no role, a name is not written in the [one spelling](hexgate_base::names::spelled) that names have, or
    /// an id or a key occurs twice. Ids are compared as [people](hexgate_base::names::folded) are.
    pub fn new(approvers: Vec<Approver>) -> Result<Self, ApproversError> {
        let mut ids = HashSet::new();
        let mut keys = HashSet::new();
        for approver in &approvers {
            let id = || approver.id.clone();
            if names::folded(&approver.id).is_empty() {
                return Err(ApproversError::NoId);
            }
            for (what, names) in [
                ("id", std::slice::from_ref(&approver.id)),
                ("role", &approver.roles),
                ("user", &approver.users),
            ] {
                if let Some(name) = names.iter().find(|name| names::spelled(name) != **name) {
                    return Err(ApproversError::Spelling {
                        id: id(),
                        what,
                        name: name.clone(),
                    });
                }
            }
            if approver.keys.is_empty() {
                return Err(ApproversError::NoKey { id: id() });
            }
            if approver.roles.is_empty() || approver.roles.iter().any(String::is_empty) {
                return Err(ApproversError::NoRole { id: id() });
            }
            if !ids.insert(names::folded(&approver.id)) {
                return Err(ApproversError::SameId { id: id() });
            }
            if !approver.keys.iter().all(|key| keys.insert(key.to_bytes())) {
                return Err(ApproversError::SameKey { id: id() });
            }
        }
        // With two entries a person could approve their own calls under the other name.
        for approver in &approvers {
            let own = names::folded(&approver.id);
            let is_another = |user: &&String| {
                let user = names::folded(user);
                user != own && ids.contains(&user)
            };
            if let Some(user) = approver.users.iter().find(is_another) {
                return Err(ApproversError::SamePerson {
                    id: approver.id.clone(),
                    user: user.clone(),
                });
            }
        }
        Ok(Self(approvers))
    }

    /// Reads the list from a JSON file that its owner alone, this user or root, can change:
    ///
    /// ```json
    /// {"version": 1, "approvers": [{"id": "carol", "keys": ["43 characters"], "roles": ["finance"], "users": ["carol@example.com"]}]}
    /// ```
    ///
    /// `users` may be left out.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, others can change it, or it is not such a list.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ApproversError> {
        file::read(path.as_ref())
    }

    /// The approver who has this key.
    #[must_use]
    pub fn owner(&self, key: &PublicKey) -> Option<&Approver> {
        self.0.iter().find(|approver| approver.keys.contains(key))
    }

    /// Checks that an answer counts: a key of an approver signed it for this request, while the request was open; an approval has a reason
    /// if one is required; the approver has one of the required roles, and is not the caller unless the request allows that.
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub fn check<'a>(
        &'a self,
        request: &Request,
        answer: &Answer,
    ) -> Result<&'a Approver, Refusal> {
        let id = request.id();
        let with_id = |approver: &'a Approver| {
            let key = approver.keys.iter().find(|key| key.id() == answer.key);
            key.map(|key| (approver, key))
        };
        let Some((approver, key)) = self.0.iter().find_map(with_id) else {
            return Err(Refusal::UnknownKey {
                id,
                key: answer.key,
            });
        };
        if approver.id != answer.approver {
            return Err(Refusal::OtherApprover {
                id,
                said: answer.approver.clone(),
                owner: approver.id.clone(),
                key: answer.key,
            });
        }
        // The signature covers the request's digest, so an answer cannot be moved to another request.
        if !answer.is_signed_by(key, &id) {
            return Err(Refusal::Forged {
                id,
                approver: approver.id.clone(),
                key: answer.key,
            });
        }
        if answer.answered_at < request.created_at || !request.is_open(answer.answered_at) {
            return Err(Refusal::Untimely {
                id,
                at: answer.answered_at,
            });
        }
        // A denial without a reason is still one.
        if answer.decision == Decision::Approve {
            has_reason(request, &answer.reason)?;
        }
        approver.may_answer(request)?;
        Ok(approver)
    }

    /// Whether two ids are of one person.
    pub(crate) fn are_one(&self, one: &str, other: &str) -> bool {
        let entry = |id| self.0.iter().find(|approver| approver.id == id);
        match (entry(one), entry(other)) {
            (Some(one), Some(other)) => one.is_also(other),
            _ => one == other,
        }
    }

    /// How many people in this list have one of the roles.
    pub(crate) fn with_role(&self, conditions: &Conditions) -> usize {
        let mut people: Vec<&Approver> = vec![];
        for approver in &self.0 {
            if approver.has_role(conditions) && !people.iter().any(|other| other.is_also(approver))
            {
                people.push(approver);
            }
        }
        people.len()
    }

    /// Answers a request as the approver who has this key.
    ///
    /// # Errors
    ///
    /// If the answer would not count, see [`check`](Self::check), the request has expired, or a required reason is missing or blank.
    pub fn sign(
        &self,
        request: &Request,
        decision: Decision,
        reason: &str,
        key: &PrivateKey,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let id = request.id();
        let public = key.public_key();
        let approver = self.owner(&public).ok_or(Refusal::UnknownKey {
            id,
            key: public.id(),
        })?;
        if !request.is_open(now) {
            return Err(Refusal::Expired {
                id,
                at: request.expires_at,
            });
        }
        has_reason(request, reason)?;
        let answer = Answer::sign(&id, decision, &approver.id, now, reason, key);
        // Check as the host will, so an answer that would not count is not stored.
        self.check(request, &answer)?;
        Ok(answer)
    }
}

/// Checks that a reason is there if one is required. Blanks and characters that nobody sees are none.
fn has_reason(request: &Request, reason: &str) -> Result<(), Refusal> {
    if request.conditions.reason_required && names::folded(reason).is_empty() {
        return Err(Refusal::NoReason(request.id()));
    }
    Ok(())
}

impl Approver {
    /// Whether two entries are one person: they are the same, or have a user in common.
    pub(crate) fn is_also(&self, other: &Self) -> bool {
        let is_theirs = |user: &String| {
            let user = names::folded(user);
            other.users.iter().any(|other| names::folded(other) == user)
        };
        self.id == other.id || self.users.iter().any(is_theirs)
    }

    fn has_role(&self, conditions: &Conditions) -> bool {
        let needed = &conditions.approver_roles;
        self.roles.iter().any(|role| needed.contains(role))
    }

    fn may_answer(&self, request: &Request) -> Result<(), Refusal> {
        if !self.has_role(&request.conditions) {
            return Err(Refusal::WrongRole {
                id: request.id(),
                approver: self.id.clone(),
                needed: request.conditions.approver_roles.clone(),
                has: self.roles.clone(),
            });
        }
        if request.conditions.own_calls {
            return Ok(());
        }
        let caller = names::folded(&request.call.caller.user);
        // An unknown caller could be this approver.
        if caller.is_empty() {
            return Err(Refusal::Nobody(request.id()));
        }
        // `folded` takes more ids for the same: on the safe side here, more is refused.
        let same = |id: &String| names::folded(id) == caller;
        if same(&self.id) || self.users.iter().any(same) {
            return Err(Refusal::OwnCall {
                id: request.id(),
                approver: self.id.clone(),
            });
        }
        Ok(())
    }
}
