//! The caller in the blocks of a biscuit, read from their signed bytes.
//!
//! The library can print a block as a program, and does not escape texts when it does: read back, a name with a quote and a line end in it
//! would be several facts. And its queries do not tell the block of a fact. So the blocks are decoded here once more, with the library's
//! own schema.

use biscuit_auth::format::schema::{self, public_key::Algorithm};
use prost::Message;

use super::TokenError;
use super::cost::Cost;
use super::symbols::{Symbols, Visible};

/// The most blocks that a token can have.
pub const MAX_BLOCKS: usize = 16;

/// The blocks of a token, decoded and not verified.
pub(super) struct Blocks(Vec<schema::Block>);

/// The caller that a token names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// The user. None: no block after the root's.
    pub(super) user: Option<String>,
    /// The roles, in the token's order.
    pub(super) roles: Vec<String>,
    /// The environment and the project that the root key signed, if it did.
    pub(super) environment: Option<String>,
    pub(super) project: Option<String>,
    /// Whether a check can depend on which agent calls which tool.
    pub(super) depends_on_call: bool,
    /// The most that evaluating all checks can cost, in steps.
    pub(super) steps: u64,
}

/// The block that names the caller, appended by the holder of the project's token.
const IDENTITY: usize = 1;
const ROOT: usize = 0;

impl Blocks {
    /// Decodes a token, and refuses too many blocks and other keys than Ed25519's: each block costs one verification, and other kinds cost ten times as much.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, TokenError> {
        let damaged = |what: &str, error: prost::DecodeError| TokenError::Damaged {
            reason: format!("{what}: {error}"),
        };
        let container =
            schema::Biscuit::decode(bytes).map_err(|error| damaged("the container", error))?;
        let count = container.blocks.len().saturating_add(1);
        if count > MAX_BLOCKS {
            return Err(TokenError::TooLarge {
                what: "blocks",
                found: count,
                allowed: MAX_BLOCKS,
            });
        }
        let signed = std::iter::once(&container.authority).chain(&container.blocks);
        let blocks = signed.enumerate().map(|(number, signed)| {
            if signed.external_signature.is_some() {
                return Err(TokenError::ThirdParty { block: number });
            }
            let unsupported = |what| TokenError::Unsupported {
                block: number,
                what,
            };
            if signed.next_key.algorithm != Algorithm::Ed25519 as i32 {
                return Err(unsupported("a key that is not one of Ed25519"));
            }
            let block = schema::Block::decode(&*signed.block)
                .map_err(|error| damaged(&format!("block {number}"), error))?;
            // Public keys name third parties, and none is trusted.
            if !block.public_keys.is_empty() {
                return Err(unsupported("public keys"));
            }
            Ok(block)
        });
        Ok(Self(blocks.collect::<Result<_, TokenError>>()?))
    }

    /// Reads the caller, and refuses checks that could cost too much. CAUTION: trust the result only after the signatures are verified.
    pub(super) fn identity(&self) -> Result<Identity, TokenError> {
        let all = Symbols::new(&self.0);
        let mut identity = Identity::default();
        let mut cost = Cost::new(&all, self.0.len());
        for (number, block) in self.0.iter().enumerate() {
            let symbols = all.seen_by(number);
            // A rule could conclude a caller as well as a fact names one.
            for rule in &block.rules {
                if let Some(name) = claim(symbols.get(rule.head.name)?) {
                    return Err(TokenError::SecondIdentity {
                        block: number,
                        name,
                    });
                }
            }
            // Other rules conclude only what facts could say, and may not terminate.
            if !block.rules.is_empty() {
                return Err(TokenError::Unsupported {
                    block: number,
                    what: "a rule",
                });
            }
            for fact in &block.facts {
                identity.add(number, &fact.predicate, symbols)?;
                cost.fact(symbols, &fact.predicate)?;
            }
        }
        for (number, block) in self.0.iter().enumerate() {
            cost.scopes(number, block);
            for check in &block.checks {
                cost.check(number, all.seen_by(number), check)?;
            }
        }
        identity.steps = cost.bounded()?;
        if self.0.len() > IDENTITY && identity.user.is_none() {
            return Err(TokenError::NoUser);
        }
        identity.depends_on_call = ["tool", "agent"].iter().any(|name| all.has(name));
        Ok(identity)
    }
}

impl Identity {
    fn add(
        &mut self,
        block: usize,
        fact: &schema::Predicate,
        symbols: Visible<'_>,
    ) -> Result<(), TokenError> {
        let name = symbols.get(fact.name)?;
        if let Some(name) = claim(name) {
            if block != IDENTITY || (name == "user" && self.user.is_some()) {
                return Err(TokenError::SecondIdentity { block, name });
            }
            let text = text(fact, symbols)?.ok_or(TokenError::Identity { name })?;
            match name {
                "user" => self.user = Some(text),
                _ => self.roles.push(text),
            }
        } else if block == ROOT {
            let bound = match name {
                "environment" => &mut self.environment,
                "project" => &mut self.project,
                _ => return Ok(()),
            };
            let text = text(fact, symbols)?;
            // With two values, checks on either would hold.
            if bound.is_some() || text.is_none() {
                return Err(TokenError::Damaged {
                    reason: "the root says more than one environment or project".to_owned(),
                });
            }
            *bound = text;
        }
        Ok(())
    }
}

/// The predicates that name the caller.
fn claim(name: &str) -> Option<&'static str> {
    ["user", "role"].into_iter().find(|claim| *claim == name)
}

/// The text that is the only term of a fact. None: it is something else.
fn text(fact: &schema::Predicate, symbols: Visible<'_>) -> Result<Option<String>, TokenError> {
    match &*fact.terms {
        [
            schema::Term {
                content: Some(schema::term::Content::String(number)),
            },
        ] => Ok(Some(symbols.get(*number)?.to_owned())),
        _ => Ok(None),
    }
}
