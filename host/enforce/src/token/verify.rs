//! Verifies the text of a token.

use std::any::Any;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use biscuit_auth::builder::{Term, fact, string};
use biscuit_auth::error::{FailedCheck, Format, Logic, Token as BiscuitError};
use biscuit_auth::{Algorithm, AuthorizerBuilder, AuthorizerLimits, Biscuit};
use hexgate_base::{PublicKey, Timestamp};
use hexgate_platform::{Envelope, check_part};

use super::TokenError;
use super::blocks::{Blocks, Identity};
use crate::caller::{Attribute, Caller, Credential, MAX_NAME_BYTES};

/// The library's limits for checks, as backstops: the cost is bounded before, and a busy machine must not change a decision.
const LIMITS: AuthorizerLimits = AuthorizerLimits {
    max_facts: 1_000,
    max_iterations: 100,
    max_time: Duration::from_millis(500),
};

/// Verifies the tokens of one environment of one project, with the issuer's keys.
#[derive(Debug, Clone)]
pub struct TokenVerifier {
    keys: Vec<(PublicKey, biscuit_auth::PublicKey)>,
    environment: String,
    project: String,
}

impl TokenVerifier {
    /// Accepts tokens that one of these root keys signed. Several keys allow rotation; without a key no token is accepted.
    ///
    /// # Errors
    ///
    /// The environment or the project cannot stand in a token.
    pub fn new(
        keys: impl IntoIterator<Item = PublicKey>,
        environment: impl Into<String>,
        project: impl Into<String>,
    ) -> Result<Self, TokenError> {
        let (environment, project) = (environment.into(), project.into());
        check_part("environment", &environment)?;
        check_part("project", &project)?;
        let keys = keys.into_iter().map(|key| {
            let root = biscuit_auth::PublicKey::from_bytes(&key.to_bytes(), Algorithm::Ed25519)
                .map_err(|error| TokenError::Key {
                    reason: error.to_string(),
                })?;
            Ok((key, root))
        });
        Ok(Self {
            keys: keys.collect::<Result<_, TokenError>>()?,
            environment,
            project,
        })
    }

    /// The environment.
    #[must_use]
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Verifies a token for a user: a trusted key signed it, it names one user, and it holds at `now`. Checks that may depend on the agent
    /// or the tool are left to the decisions, each of which evaluates all checks.
    ///
    /// # Errors
    ///
    /// The first fault. Before the signatures are verified, only the cost of verifying them is checked.
    pub fn verify(&self, envelope: &Envelope, now: SystemTime) -> Result<Token, TokenError> {
        let (biscuit, identity) = self.open(envelope)?;
        let Identity {
            user: Some(user),
            roles,
            depends_on_call,
            steps,
            ..
        } = identity
        else {
            return Err(TokenError::NoUser);
        };
        let token = Token(Arc::new(Inner {
            revocation_ids: biscuit.revocation_identifiers(),
            biscuit,
            environment: self.environment.clone(),
            project: self.project.clone(),
            user,
            roles,
            depends_on_call,
            steps,
            held_at: AtomicU64::new(NEVER),
        }));
        // A check on the agent or the tool cannot hold yet.
        if !depends_on_call {
            token.check(now, "", "")?;
        }
        Ok(token)
    }

    /// Verifies that a trusted key signed this token. It need not name a user.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn verify_origin(&self, envelope: &Envelope) -> Result<(), TokenError> {
        self.open(envelope).map(|_| ())
    }

    pub(super) fn open(&self, envelope: &Envelope) -> Result<(Biscuit, Identity), TokenError> {
        let named = [
            ("environment", envelope.environment(), &self.environment),
            ("project", envelope.project(), &self.project),
        ];
        for (what, found, expected) in named {
            if found != expected {
                return Err(TokenError::Other {
                    what,
                    found: found.to_owned(),
                    expected: expected.clone(),
                });
            }
        }
        let bytes = envelope.biscuit()?;
        let blocks = Blocks::decode(&bytes)?;
        // Another key may have signed it; any other error is the token's own.
        let mut opened = Err(TokenError::Signature);
        for (_, key) in &self.keys {
            opened = Biscuit::from(&*bytes, key).map_err(of_format);
            if !matches!(opened, Err(TokenError::Signature)) {
                break;
            }
        }
        let biscuit = opened?;
        // Only now: before the signatures are verified the names mean nothing.
        let identity = blocks.identity()?;
        // The envelope is unsigned, so every holder can change it. The signed names count.
        let signed = [
            ("environment", &identity.environment, &self.environment),
            ("project", &identity.project, &self.project),
        ];
        for (what, found, expected) in signed {
            if let Some(found) = found
                && found != expected
            {
                return Err(TokenError::Other {
                    what,
                    found: found.clone(),
                    expected: expected.clone(),
                });
            }
        }
        Ok((biscuit, identity))
    }
}

/// A verified token for a user. Cloning is cheap.
///
/// It may cease to hold: the [caller](Token::caller) that is made of it keeps it, and it is checked again at each decision.
#[derive(Clone)]
pub struct Token(Arc<Inner>);

struct Inner {
    biscuit: Biscuit,
    revocation_ids: Vec<Vec<u8>>,
    environment: String,
    project: String,
    user: String,
    roles: Vec<String>,
    depends_on_call: bool,
    steps: u64,
    /// The second at which all checks held, if they depend on the time alone.
    held_at: AtomicU64,
}

/// Later than any time that a clock can show.
const NEVER: u64 = u64::MAX;

impl Token {
    /// The user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.0.user
    }

    /// The roles, in the token's order.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.0.roles
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.0.project
    }

    /// The environment.
    #[must_use]
    pub fn environment(&self) -> &str {
        &self.0.environment
    }

    /// An id for each block: revoking one of them revokes the token.
    #[must_use]
    pub fn revocation_ids(&self) -> &[Vec<u8>] {
        &self.0.revocation_ids
    }

    /// The most steps that evaluating the checks can take, of some 0.1 microseconds each. More than 50,000 are refused.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.0.steps
    }

    /// The caller that the token names. Session and attributes come from the host, not from the token.
    ///
    /// # Errors
    ///
    /// A name is empty, too long, has control characters or another than its one spelling, or there are too many roles.
    pub fn caller(
        &self,
        session: Option<&str>,
        attributes: BTreeMap<String, Attribute>,
    ) -> Result<Caller, TokenError> {
        let mut builder = Caller::builder(self.user())
            .roles(self.roles())
            .credential(self.clone());
        if let Some(session) = session {
            builder = builder.session(session);
        }
        for (name, value) in attributes {
            builder = builder.attribute(name, value);
        }
        Ok(builder.build()?)
    }

    /// Whether all checks in all blocks hold for this call.
    fn check(&self, now: SystemTime, agent: &str, tool: &str) -> Result<(), TokenError> {
        let second = Timestamp::from_system_time(now)
            .ok_or(TokenError::Clock)?
            .unix_seconds();
        let inner = &*self.0;
        if !inner.depends_on_call && inner.held_at.load(Ordering::Relaxed) == second {
            return Ok(());
        }
        // The model chooses the length of a tool's name, and it is unchecked so far.
        let (agent, tool) = if inner.depends_on_call {
            (short("agent", agent)?, short("tool", tool)?)
        } else {
            ("", "")
        };
        self.evaluate(second, agent, tool)?;
        if !inner.depends_on_call {
            inner.held_at.store(second, Ordering::Relaxed);
        }
        Ok(())
    }

    fn evaluate(&self, second: u64, agent: &str, tool: &str) -> Result<(), TokenError> {
        let inner = &*self.0;
        let facts = [
            fact("time", &[Term::Date(second)]),
            fact("agent", &[string(agent)]),
            fact("tool", &[string(tool)]),
            fact("environment", &[string(&inner.environment)]),
            fact("project", &[string(&inner.project)]),
        ];
        let mut builder = AuthorizerBuilder::new().set_limits(LIMITS);
        for fact in facts {
            builder = builder.fact(fact).map_err(of_evaluation)?;
        }
        let mut authorizer = builder
            .policy("allow if true")
            .and_then(|builder| builder.build(&inner.biscuit))
            .map_err(of_evaluation)?;
        authorizer.authorize().map(|_| ()).map_err(of_evaluation)
    }
}

impl Credential for Token {
    fn project(&self) -> &str {
        self.project()
    }

    fn revocation_ids(&self) -> &[Vec<u8>] {
        self.revocation_ids()
    }

    fn restricted(&self) -> Option<&[Vec<u8>]> {
        self.0.depends_on_call.then(|| self.revocation_ids())
    }

    fn check(&self, now: SystemTime, agent: &str, tool: &str) -> Result<(), Box<dyn Error>> {
        Ok(self.check(now, agent, tool)?)
    }
}

impl Caller {
    /// The token that says who calls. None: the host does.
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        let credential: &dyn Any = self.credential()?;
        credential.downcast_ref()
    }
}

/// A name that checks are evaluated with.
fn short<'a>(what: &str, name: &'a str) -> Result<&'a str, TokenError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(TokenError::Evaluation {
            reason: format!(
                "the name of the {what} has {} bytes, and checks are evaluated with at most {MAX_NAME_BYTES}",
                name.len()
            ),
        });
    }
    Ok(name)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("environment", &self.0.environment)
            .field("project", &self.0.project)
            .field("user", &self.0.user)
            .field("roles", &self.0.roles)
            .finish_non_exhaustive()
    }
}

fn of_format(error: BiscuitError) -> TokenError {
    match error {
        BiscuitError::Format(
            Format::Signature(_) | Format::SealedSignature | Format::UnknownPublicKey,
        ) => TokenError::Signature,
        BiscuitError::Format(format) => TokenError::Damaged {
            reason: format.to_string(),
        },
        other => TokenError::Damaged {
            reason: other.to_string(),
        },
    }
}

fn of_evaluation(error: BiscuitError) -> TokenError {
    let checks = match &error {
        BiscuitError::FailedLogic(
            Logic::Unauthorized { checks, .. } | Logic::NoMatchingPolicy { checks },
        ) => checks,
        _ => {
            return TokenError::Evaluation {
                reason: error.to_string(),
            };
        }
    };
    let check = match checks.first() {
        Some(FailedCheck::Block(check)) => check.rule.clone(),
        Some(FailedCheck::Authorizer(check)) => check.rule.clone(),
        None => error.to_string(),
    };
    // Only the message depends on this: the token does not hold either way.
    if check.contains("time(") {
        TokenError::Expired { check }
    } else {
        TokenError::Check { check }
    }
}
