//! A call as the enforcer is asked about it, and what an approval of it is bound to.

use std::collections::BTreeMap;

use hexgate_base::Digest;
use hexgate_enforce::{Call, Caller, Decision, PolicyInfo};
use hexgate_http::Problem;
use serde::Serialize;
use serde_json::value::RawValue;

/// The member of a context that names an approval.
const APPROVAL: &str = "approval";

/// What an enforcement point asked.
#[derive(Debug)]
pub(crate) struct Asked {
    client: String,
    user: String,
    roles: Vec<String>,
    tool: String,
    arguments: String,
    subject: Box<RawValue>,
    context: Option<Box<RawValue>>,
    members: BTreeMap<String, Box<RawValue>>,
}

impl Asked {
    /// What `client` asked.
    pub(crate) fn new(call: &hexgate_http::Call<'_>, client: &str) -> Result<Self, Problem> {
        let Some(entities) = &call.entities else {
            return Err(Problem::bad("`subject` is missing"));
        };
        // INVARIANT: the strict reader has accepted these texts, so that this reader finds nothing else in them.
        let raw = |text: &str| {
            RawValue::from_string(text.to_owned())
                .map_err(|error| Problem::new(500, error.to_string()))
        };
        let members = match entities.context {
            None => BTreeMap::new(),
            Some(text) => {
                serde_json::from_str(text).map_err(|error| Problem::new(500, error.to_string()))?
            }
        };
        Ok(Self {
            client: client.to_owned(),
            user: entities.id.clone(),
            roles: call.roles.clone(),
            tool: call.tool.clone(),
            arguments: call.arguments.clone().into_owned(),
            subject: raw(entities.subject)?,
            context: entities.context.map(raw).transpose()?,
            members,
        })
    }

    /// The call. The caller is the subject; what a policy sees of it and of the context are the texts that were sent.
    pub(crate) fn call(&self, policy: &PolicyInfo) -> Result<Call, Problem> {
        let caller = Caller::builder(&self.user)
            .roles(&self.roles)
            .described(
                self.subject.clone(),
                self.context.clone(),
                self.bound(policy)?,
            )
            .build()
            .map_err(|error| Problem::bad(error.to_string()))?;
        Ok(Call::of(&caller, &self.tool, self.arguments.as_str()))
    }

    /// The name of the approval that was sent along, empty if it has none. None: no approval was.
    pub(crate) fn approval(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Approval {
            id: String,
        }
        let given = self.members.get(APPROVAL)?.get();
        // A list would be taken for the members of a structure in their order.
        let named = given.starts_with('{').then(|| serde_json::from_str(given));
        let Some(Ok(Approval { id })) = named else {
            return Some(String::new());
        };
        Some(id)
    }

    /// What an approval depends on beside user, roles, tool and arguments: who asked, the whole subject, and of the context what the policy
    /// looks at. Times and the like, which differ each time, are left out where they do not matter.
    fn bound(&self, policy: &PolicyInfo) -> Result<String, Problem> {
        #[derive(Serialize)]
        struct Bound<'a> {
            enforcement_point: &'a str,
            subject: &'a RawValue,
            context: BTreeMap<&'a str, &'a RawValue>,
        }
        let context = self
            .members
            .iter()
            .filter(|(name, _)| *name != APPROVAL && policy.uses_fact(&format!("ctx.{name}")))
            .map(|(name, value)| (name.as_str(), &**value));
        serde_json::to_string(&Bound {
            enforcement_point: &self.client,
            subject: &self.subject,
            context: context.collect(),
        })
        .map_err(|error| Problem::new(500, error.to_string()))
    }

    /// Whether a decision was made by a policy that looks at what the call was bound to.
    pub(crate) fn is_bound_as(&self, decision: &Decision, policy: &PolicyInfo) -> bool {
        matches!(
            (self.bound(decision.policy()), self.bound(policy)),
            (Ok(one), Ok(other)) if one == other
        )
    }

    /// All that a denial is bound to but the policy.
    pub(crate) fn binding(&self, agent: &str, policy: &PolicyInfo) -> Result<Vec<u8>, Problem> {
        let parts = (
            agent,
            &self.user,
            &self.roles,
            &self.tool,
            Digest::of(self.arguments.as_bytes()),
            self.bound(policy)?,
        );
        serde_json::to_vec(&parts).map_err(|error| Problem::new(500, error.to_string()))
    }
}

/// Which enforcement point a call was bound to, by the text that an approval kept.
pub(crate) fn client_of(bound: Option<&str>) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Bound {
        enforcement_point: String,
    }
    let bound: Bound = serde_json::from_str(bound?).ok()?;
    Some(bound.enforcement_point)
}
