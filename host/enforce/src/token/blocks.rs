//! What the blocks of a biscuit say about who calls, read from their signed bytes.
//!
//! The library can print a block as a program, and does not escape texts when it does: read back, a name with a quote and a line end
//! in it would be several facts. And its queries do not tell in which block a fact stands. So the blocks are decoded here once more,
//! with the library's own schema, after it has verified them.

use biscuit_auth::Biscuit;
use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::format::schema;
use prost::Message;

use super::TokenError;
use super::cost::Cost;

/// The number of the first symbol that a token brings itself. Those below are the library's.
const OWN_SYMBOLS: u64 = 1024;

/// What is said about who calls.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// The user. None: no block after the root's.
    pub(super) user: Option<String>,
    /// The roles, in the order in which they stand.
    pub(super) roles: Vec<String>,
    /// The environment and the project that the root key signed, if it did.
    pub(super) environment: Option<String>,
    pub(super) project: Option<String>,
    /// Whether a check can depend on which agent calls which tool.
    pub(super) depends_on_call: bool,
}

/// The block in which the holder of the root's token says who calls.
const IDENTITY: usize = 1;
const ROOT: usize = 0;

/// Reads who calls from a biscuit and the bytes from which it was verified.
pub(super) fn identity(biscuit: &Biscuit, bytes: &[u8]) -> Result<Identity, TokenError> {
    if let Some(block) = biscuit
        .external_public_keys()
        .iter()
        .position(Option::is_some)
    {
        return Err(TokenError::ThirdParty { block });
    }
    let damaged = |what: &str, error: prost::DecodeError| TokenError::Damaged {
        reason: format!("{what}: {error}"),
    };
    let container =
        schema::Biscuit::decode(bytes).map_err(|error| damaged("the container", error))?;
    let mut symbols = Symbols::default();
    let mut identity = Identity::default();
    let mut cost = Cost::default();
    let blocks = std::iter::once(&container.authority).chain(&container.blocks);
    for (number, block) in blocks.enumerate() {
        let block = schema::Block::decode(&*block.block)
            .map_err(|error| damaged(&format!("block {number}"), error))?;
        symbols.own.extend(block.symbols);
        // A rule says what it concludes, so it could tell who calls as well as a fact.
        for rule in &block.rules {
            if let Some(name) = claim(symbols.get(rule.head.name)?) {
                return Err(TokenError::SecondIdentity {
                    block: number,
                    name,
                });
            }
        }
        // Others only conclude what could be written down, and can go on concluding.
        if !block.rules.is_empty() {
            return Err(TokenError::Unsupported {
                block: number,
                what: "a rule",
            });
        }
        for fact in &block.facts {
            identity.add(number, &fact.predicate, &symbols)?;
            cost.fact(symbols.get(fact.predicate.name)?);
        }
        for check in &block.checks {
            cost.check(number, check, |name| symbols.get(name))?;
        }
    }
    cost.bounded()?;
    if container.blocks.len() >= IDENTITY && identity.user.is_none() {
        return Err(TokenError::NoUser);
    }
    identity.depends_on_call = symbols
        .own
        .iter()
        .any(|symbol| symbol == "tool" || symbol == "agent");
    Ok(identity)
}

impl Identity {
    fn add(
        &mut self,
        block: usize,
        fact: &schema::Predicate,
        symbols: &Symbols,
    ) -> Result<(), TokenError> {
        let name = symbols.get(fact.name)?;
        if let Some(name) = claim(name) {
            if block != IDENTITY || (name == "user" && self.user.is_some()) {
                return Err(TokenError::SecondIdentity { block, name });
            }
            let text = symbols.text(fact)?.ok_or(TokenError::Identity { name })?;
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
            let text = symbols.text(fact)?;
            // Said twice it would be true for both.
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

/// The names that say who calls.
fn claim(name: &str) -> Option<&'static str> {
    ["user", "role"].into_iter().find(|claim| *claim == name)
}

/// The texts of a token by number: the library's own, and those of its blocks one after the other.
struct Symbols {
    default: SymbolTable,
    own: Vec<String>,
}

impl Default for Symbols {
    fn default() -> Self {
        Self {
            default: SymbolTable::new(),
            own: Vec::new(),
        }
    }
}

impl Symbols {
    fn get(&self, number: u64) -> Result<&str, TokenError> {
        let symbol = match number.checked_sub(OWN_SYMBOLS) {
            None => self.default.get_symbol(number),
            Some(index) => usize::try_from(index)
                .ok()
                .and_then(|index| self.own.get(index))
                .map(String::as_str),
        };
        symbol.ok_or_else(|| TokenError::Damaged {
            reason: format!("it has no symbol {number}"),
        })
    }

    /// The text that is the only term of a fact. None: it is something else.
    fn text(&self, fact: &schema::Predicate) -> Result<Option<String>, TokenError> {
        match &*fact.terms {
            [
                schema::Term {
                    content: Some(schema::term::Content::String(number)),
                },
            ] => Ok(Some(self.get(*number)?.to_owned())),
            _ => Ok(None),
        }
    }
}
