//! Cedar. Its policy and schema are written by hand, see `policy/`.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, PolicySet,
    Request, Schema, ValidationMode, Validator,
};

use crate::{
    call::{Call, Outcome},
    peer::{Peer, text},
};

/// Policies, schema and entities, all read once.
pub(crate) struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    schema: Schema,
    entities: Entities,
    types: Types,
    agent: EntityUid,
}

struct Types {
    role: EntityTypeName,
    action: EntityTypeName,
}

impl Cedar {
    pub(crate) fn load(folder: &Path) -> Result<Self> {
        let (schema, warnings) =
            Schema::from_cedarschema_str(&text(&folder.join("billing.cedarschema"))?)?;
        ensure!(warnings.count() == 0, "Cedar warns of the schema");
        let policies: PolicySet = text(&folder.join("billing.cedar"))?.parse()?;
        let validation = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        ensure!(
            validation.validation_passed_without_warnings(),
            "Cedar complains of the policy: {validation}"
        );
        let entities =
            Entities::from_json_str(&text(&folder.join("entities.json"))?, Some(&schema))?;
        Ok(Self {
            authorizer: Authorizer::new(),
            policies,
            schema,
            entities,
            types: Types {
                role: "Role".parse()?,
                action: "Action".parse()?,
            },
            agent: r#"Agent::"support-bot""#.parse().context("an entity")?,
        })
    }

    /// A request that the schema accepts. None: it does not, so the call is denied.
    fn request(&self, call: &Call) -> Option<Request> {
        let entity = |kind: &EntityTypeName, id: &str| {
            EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
        };
        let action = entity(&self.types.action, call.tool);
        let context = Context::from_json_str(call.arguments, Some((&self.schema, &action))).ok()?;
        let role = entity(&self.types.role, call.role);
        Request::new(
            role,
            action,
            self.agent.clone(),
            context,
            Some(&self.schema),
        )
        .ok()
    }
}

impl Peer for Cedar {
    fn name(&self) -> String {
        format!("Cedar {}", cedar_policy::get_sdk_version())
    }

    fn decide(&mut self, call: &Call) -> Outcome {
        self.request(call)
            .map_or(Outcome::Deny, |request| self.outcome(&request))
    }

    fn evaluation<'p>(&'p mut self, call: &Call) -> Option<Box<dyn FnMut() -> Outcome + 'p>> {
        let request = self.request(call)?;
        Some(Box::new(move || self.outcome(&request)))
    }
}

impl Cedar {
    /// The best outcome of the policies that permit.
    fn outcome(&self, request: &Request) -> Outcome {
        let response = self
            .authorizer
            .is_authorized(request, &self.policies, &self.entities);
        if response.decision() != Decision::Allow {
            return Outcome::Deny;
        }
        let mut reasons = response.diagnostics().reason();
        if reasons.all(|id| self.policies.annotation(id, "outcome").is_some()) {
            Outcome::NeedsApproval
        } else {
            Outcome::Allow
        }
    }
}
