//! The caller on whose behalf an agent acts.

use std::any::Any;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hexgate_base::Digest;
use hexgate_base::names::spelled;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The longest user id, session id or role, in bytes: what a policy accepts of a role.
pub use hexgate_contract::MAX_NAME as MAX_NAME_BYTES;
/// The most roles that a caller can have: what a policy accepts.
pub use hexgate_contract::MAX_ROLES;

/// On whose behalf an agent acts. Cloning is cheap and gives the same caller.
///
/// A caller without roles is decided by the policy's role `default`. That is not the same as no caller at all, which is
/// `scope::NoScope` and always a denial.
#[derive(Clone)]
pub struct Caller(Arc<Inner>);

struct Inner {
    given: CallerBuilder,
    /// The facts for the policy, made once: a JSON object without its closing brace.
    facts: String,
}

/// An attribute of a caller: `ctx.NAME` in a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A truth value.
    Flag(bool),
    /// Several texts.
    Texts(Vec<String>),
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Attribute {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Attribute {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Vec<String>> for Attribute {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

/// Builds a [`Caller`].
#[derive(Debug, Clone)]
#[must_use = "a caller is there once it is built"]
pub struct CallerBuilder {
    user_id: String,
    roles: Vec<String>,
    session: Option<String>,
    attributes: BTreeMap<String, Attribute>,
    expires_at: Option<SystemTime>,
    credential: Option<Arc<dyn Credential>>,
    described: Option<Described>,
}

/// What somebody else says of a caller.
#[derive(Debug, Clone)]
struct Described {
    user: Box<RawValue>,
    ctx: Option<Box<RawValue>>,
    bound: String,
}

/// The proof of a caller's identity, checked at each decision.
pub(crate) trait Credential:
    Any + fmt::Debug + Send + Sync + UnwindSafe + RefUnwindSafe
{
    /// The project of the proof.
    fn project(&self) -> &str;

    /// The ids by which it can be revoked.
    fn revocation_ids(&self) -> &[Vec<u8>];

    /// The same ids, if which calls it holds for depends on more than the time.
    fn restricted(&self) -> Option<&[Vec<u8>]>;

    /// Whether the proof holds for this call.
    fn check(&self, now: SystemTime, agent: &str, tool: &str) -> Result<(), Box<dyn Error>>;
}

impl Caller {
    /// A caller of this name, so far without roles, session, attributes or an end.
    pub fn builder(user_id: impl Into<String>) -> CallerBuilder {
        CallerBuilder {
            user_id: user_id.into(),
            roles: Vec::new(),
            session: None,
            attributes: BTreeMap::new(),
            expires_at: None,
            credential: None,
            described: None,
        }
    }

    /// The name: `user.id` in a policy.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.0.given.user_id
    }

    /// The roles, in the order in which they were given. Empty: the policy's role `default` decides.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.0.given.roles
    }

    /// The session: `user.session` in a policy.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.0.given.session.as_deref()
    }

    /// The attributes: `ctx` in a policy.
    #[must_use]
    pub fn attributes(&self) -> &BTreeMap<String, Attribute> {
        &self.0.given.attributes
    }

    /// The time from which every call is denied. None: this caller does not expire.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.0.given.expires_at
    }

    /// What an approval depends on beside name, roles and session: the attributes as JSON, or what a description is bound to. None: nothing.
    #[cfg_attr(
        not(feature = "approvals"),
        allow(dead_code, reason = "approvals, a feature, are what is bound")
    )]
    pub(crate) fn bound(&self) -> Result<Option<String>, serde_json::Error> {
        let given = &self.0.given;
        match &given.described {
            Some(described) => Ok(Some(described.bound.clone())),
            None if given.attributes.is_empty() => Ok(None),
            None => serde_json::to_string(&given.attributes).map(Some),
        }
    }

    /// Tells callers apart, also those of one name: the same for two callers whose roles, facts for the policy and restrictions are the same,
    /// and for no others. A token whose checks look at the agent or the tool is told apart from every other token.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        let given = &self.0.given;
        let restricted = given.credential.as_ref().and_then(|it| it.restricted());
        let mut bytes = Vec::new();
        let mut add = |parts: &mut dyn Iterator<Item = &[u8]>| {
            let parts: Vec<&[u8]> = parts.collect();
            bytes.extend((parts.len() as u64).to_le_bytes());
            for part in parts {
                bytes.extend((part.len() as u64).to_le_bytes());
                bytes.extend(part);
            }
        };
        add(&mut [given.user_id.as_bytes(), self.0.facts.as_bytes()].into_iter());
        add(&mut given.roles.iter().map(String::as_bytes));
        add(&mut restricted.into_iter().flatten().map(Vec::as_slice));
        Digest::of(&bytes)
    }

    /// The proof of the identity. None: the host vouches for it.
    pub(crate) fn credential(&self) -> Option<&(dyn Credential + 'static)> {
        self.0.given.credential.as_deref()
    }

    /// The facts that a policy sees, with further members: a JSON object.
    pub(crate) fn facts<'a>(
        &self,
        more: impl Iterator<Item = (&'static str, &'a RawValue)>,
    ) -> String {
        let mut text = String::with_capacity(self.0.facts.len() + 1);
        text.push_str(&self.0.facts);
        for (name, value) in more {
            for part in [",\"", name, "\":", value.get()] {
                text.push_str(part);
            }
        }
        text.push('}');
        text
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("user_id", &self.0.given.user_id)
            .field("roles", &self.0.given.roles)
            .field("session", &self.0.given.session)
            .field("attributes", &self.0.given.attributes)
            .field("expires_at", &self.0.given.expires_at)
            .field("credential", &self.0.given.credential)
            .finish()
    }
}

impl CallerBuilder {
    /// Sets the proof of the identity.
    #[allow(dead_code, reason = "tokens, a feature, are the only ones so far")]
    pub(crate) fn credential(mut self, credential: impl Credential) -> Self {
        self.credential = Some(Arc::new(credential));
        self
    }

    /// Adds a role after the others.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Adds roles, in this order: any list of texts.
    pub fn roles(mut self, roles: impl IntoIterator<Item: Into<String>>) -> Self {
        self.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// Names the session.
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.session = Some(session.into());
        self
    }

    /// Sets an attribute, `ctx.NAME` in a policy. The last value of a name counts.
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<Attribute>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// Sets what the policy sees as `user` and as `ctx`, JSON objects, in place of what name, session and attributes make: for a decision
    /// point, which is told of callers by others. The member `id` of `user` is the name. `bound` is what of it an approval depends on, and
    /// what approvers are shown.
    pub fn described(
        mut self,
        user: Box<RawValue>,
        ctx: Option<Box<RawValue>>,
        bound: impl Into<String>,
    ) -> Self {
        self.described = Some(Described {
            user,
            ctx,
            bound: bound.into(),
        });
        self
    }

    /// From this time on every call is denied. Default: never.
    pub fn expires_at(mut self, time: SystemTime) -> Self {
        self.expires_at = Some(time);
        self
    }

    /// Every call is denied once this time has passed since `now`. If the clock cannot hold the end, calls are denied at once.
    pub fn time_to_live(self, time: Duration, now: SystemTime) -> Self {
        self.expires_at(now.checked_add(time).unwrap_or(now))
    }

    /// The caller.
    ///
    /// # Errors
    ///
    /// A name is empty, too long, has control characters or another than its [one spelling](spelled), or there are too many roles.
    pub fn build(self) -> Result<Caller, CallerError> {
        check_name("user id", &self.user_id)?;
        if let Some(session) = &self.session {
            check_name("session id", session)?;
        }
        if self.roles.len() > MAX_ROLES {
            return Err(CallerError::Roles {
                found: self.roles.len(),
            });
        }
        for role in &self.roles {
            check_name("role", role)?;
        }
        for name in self.attributes.keys() {
            check_name("attribute", name)?;
        }
        let facts = facts(&self)?;
        Ok(Caller(Arc::new(Inner { given: self, facts })))
    }
}

/// Why a [`Caller`] cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallerError {
    /// A name is invalid.
    #[error(
        "the {what} `{}` {reason}; a name has 1 to {MAX_NAME_BYTES} bytes and no control characters",
        name.escape_debug()
    )]
    Name {
        /// The kind of name.
        what: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name has more than one spelling, and this is not the one that is compared.
    #[error(
        "the {what} `{}` is not written in Unicode's form NFKC, in which a name has one spelling: write `{}`, or have the provider of identities do so",
        .name.escape_default(), spelled(.name).escape_default()
    )]
    Spelling {
        /// The kind of name.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// There are more roles than a policy accepts.
    #[error("a caller has at most {MAX_ROLES} roles, and this one has {found}")]
    Roles {
        /// How many there are.
        found: usize,
    },
    /// The attributes cannot be written as JSON.
    #[error("the attributes cannot be written as JSON: {reason}")]
    Attributes {
        /// Why.
        reason: String,
    },
}

fn check_name(what: &'static str, name: &str) -> Result<(), CallerError> {
    let reason = if name.is_empty() {
        "is empty"
    } else if name.len() > MAX_NAME_BYTES {
        "is too long"
    } else if name.chars().any(char::is_control) {
        "has a control character"
    } else if spelled(name) != name {
        // Compared with the other spelling, by a policy, an approver or a ban, one person would count as two.
        let name = name.to_owned();
        return Err(CallerError::Spelling { what, name });
    } else {
        return Ok(());
    };
    // The sender chooses the length of the name.
    let name = name.chars().take(MAX_NAME_BYTES).collect();
    Err(CallerError::Name { what, name, reason })
}

impl Described {
    /// The facts, as they were told.
    fn facts(&self, user_id: &str) -> Result<serde_json::Result<String>, CallerError> {
        #[derive(Deserialize)]
        struct Named {
            id: String,
        }
        #[derive(Serialize)]
        struct Facts<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            ctx: Option<&'a RawValue>,
            user: &'a RawValue,
        }
        let wrong = |reason: &str| CallerError::Attributes {
            reason: reason.to_owned(),
        };
        let ctx = self.ctx.as_deref();
        // A list would be taken for the members of a structure in their order.
        let is_object = |text: &RawValue| text.get().starts_with('{');
        if !is_object(&self.user) || !ctx.is_none_or(is_object) {
            return Err(wrong("`user` and `ctx` are objects"));
        }
        // What a stop or an approver goes by must be what the policy sees.
        match serde_json::from_str::<Named>(self.user.get()) {
            Ok(named) if named.id == user_id => {}
            _ => return Err(wrong("`user` does not have the name as its `id`")),
        }
        Ok(serde_json::to_string(&Facts {
            ctx,
            user: &self.user,
        }))
    }
}

fn facts(caller: &CallerBuilder) -> Result<String, CallerError> {
    #[derive(Serialize)]
    struct User<'a> {
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<&'a str>,
    }
    #[derive(Serialize)]
    struct Facts<'a> {
        user: User<'a>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        ctx: &'a BTreeMap<String, Attribute>,
    }
    let facts = Facts {
        user: User {
            id: &caller.user_id,
            session: caller.session.as_deref(),
        },
        ctx: &caller.attributes,
    };
    let written = match &caller.described {
        None => serde_json::to_string(&facts),
        Some(described) => described.facts(&caller.user_id)?,
    };
    let mut text = written.map_err(|error| CallerError::Attributes {
        reason: error.to_string(),
    })?;
    // `user` is always there, so that what follows can begin with a comma.
    text.pop();
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_written_and_never_pasted() {
        let caller = Caller::builder("x\"},\"ctx\":{\"admin\":true},\"y\":{\"z\":\"")
            .session("s-1")
            .attribute("plan", "pro")
            .attribute("seats", 5)
            .attribute("beta", true)
            .attribute("teams", vec!["a".to_owned(), "b".to_owned()])
            .build()
            .unwrap();
        let facts: serde_json::Value =
            serde_json::from_str(&caller.facts(std::iter::empty())).unwrap();
        assert_eq!(facts["user"]["id"], caller.user_id());
        assert_eq!(facts["user"]["session"], "s-1");
        assert_eq!(
            facts["ctx"],
            serde_json::json!({"plan": "pro", "seats": 5, "beta": true, "teams": ["a", "b"]})
        );
        let run = RawValue::from_string(r#"{"calls": 3}"#.into()).unwrap();
        let said = RawValue::from_string(r#"{"emails": []}"#.into()).unwrap();
        let more = [("run", &*run), ("said", &*said)];
        let facts: serde_json::Value =
            serde_json::from_str(&caller.facts(more.into_iter())).unwrap();
        assert_eq!(facts["run"]["calls"], 3);
        assert_eq!(facts["said"], serde_json::json!({"emails": []}));
        assert_eq!(facts.as_object().unwrap().len(), 4);
    }

    #[test]
    fn a_description_is_what_the_policy_sees() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let built = |user: &str, ctx: Option<&str>| {
            Caller::builder("ann")
                .attribute("plan", "pro")
                .described(raw(user), ctx.map(raw), "bound")
                .build()
        };
        let caller = built(r#"{"type":"user", "id":"ann"}"#, Some(r#"{"n": 1.0}"#)).unwrap();
        assert_eq!(
            caller.facts(std::iter::empty()),
            r#"{"ctx":{"n": 1.0},"user":{"type":"user", "id":"ann"}}"#
        );
        assert_eq!(caller.bound().unwrap().as_deref(), Some("bound"));
        for (user, ctx) in [
            (r#"{"id":"bob"}"#, None),
            (r#"{"type":"user"}"#, None),
            (r#"["ann"]"#, None),
            (r#"{"id":"ann"}"#, Some("[]")),
        ] {
            assert!(built(user, ctx).is_err(), "{user}");
        }
    }

    #[test]
    fn names_that_could_be_read_differently_are_refused() {
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        for name in ["", "a\nrole", "a\0", "\u{85}", long.as_str()] {
            assert!(Caller::builder(name).build().is_err(), "{name:?}");
            assert!(Caller::builder("u").role(name).build().is_err(), "{name:?}");
            assert!(
                Caller::builder("u").session(name).build().is_err(),
                "{name:?}"
            );
            assert!(
                Caller::builder("u").attribute(name, true).build().is_err(),
                "{name:?}"
            );
        }
        assert!(Caller::builder("größe 😀").build().is_ok());
        let many = || (0..MAX_ROLES).map(|number| format!("r{number}"));
        assert!(Caller::builder("u").roles(many()).build().is_ok());
        assert_eq!(
            Caller::builder("u").roles(many()).role("r").build().err(),
            Some(CallerError::Roles { found: 33 })
        );
    }

    #[test]
    fn a_name_has_one_spelling() {
        for (name, one) in [
            ("jose\u{301}", "jos\\u{e9}"),
            ("\u{ff4a}osé", "jos\\u{e9}"),
            ("a\u{a0}b", "a b"),
        ] {
            for built in [
                Caller::builder(name).build(),
                Caller::builder("u").role(name).build(),
                Caller::builder("u").session(name).build(),
                Caller::builder("u").attribute(name, true).build(),
            ] {
                let error = built.unwrap_err().to_string();
                assert!(error.contains(&format!("write `{one}`")), "{error}");
            }
        }
        assert!(Caller::builder("josé").role("größe").build().is_ok());
    }

    #[test]
    fn a_time_that_the_clock_cannot_hold_is_over_at_once() {
        let now = SystemTime::UNIX_EPOCH;
        let caller = Caller::builder("u").time_to_live(Duration::MAX, now);
        assert_eq!(caller.build().unwrap().expires_at(), Some(now));
    }
}
