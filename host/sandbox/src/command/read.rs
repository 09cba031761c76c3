//! Reading a script: bounded, and apart from the rest of the program.

use brush_parser::{ParserOptions, Token, TokenizerOptions, ast};

use super::Refused;

/// Parts of a script: words and operators.
const MOST_TOKENS: usize = 20_000;
/// Parentheses within parentheses. The parser tries twice for each, so that every one more doubles its time.
const MOST_PARENTHESES: usize = 8;
/// Words that open a block, all together.
const MOST_BLOCKS: usize = 200;
/// The stack of the thread that reads. Only what is used is taken from memory; the parser takes some hundred bytes for each level.
const STACK: usize = 256 << 20;

const CANNOT_READ: &str = "it cannot be read as a script";

/// Runs a reader in a thread with a stack of its own: one that panics is a refusal.
pub(super) fn apart<T: Send + 'static>(
    reader: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    std::thread::Builder::new()
        .name("hexgate-command".to_owned())
        .stack_size(STACK)
        .spawn(reader)
        .ok()
        .and_then(|thread| thread.join().ok())
        .unwrap_or_else(|| Err(Refused::new("script", CANNOT_READ)))
}

/// Reads a script.
pub(super) fn program(script: &str) -> Result<ast::Program, Refused> {
    let tokens = brush_parser::uncached_tokenize_str(script, &TokenizerOptions::default())
        .map_err(|_| Refused::new(script, CANNOT_READ))?;
    bounded(&tokens)?;
    brush_parser::parse_tokens(&tokens, &options()).map_err(|_| Refused::new(script, CANNOT_READ))
}

pub(super) fn options() -> ParserOptions {
    ParserOptions::default()
}

/// Refuses what would take the parser long.
fn bounded(tokens: &[Token]) -> Result<(), Refused> {
    if tokens.len() > MOST_TOKENS {
        return Err(Refused::new(
            "script",
            format!(
                "it has {} parts, at most {MOST_TOKENS} are read",
                tokens.len()
            ),
        ));
    }
    let text = |token: &Token| match token {
        Token::Operator(text, _) | Token::Word(text, _) => text.clone(),
    };
    // In these a parenthesis can close what none has opened.
    let cases = tokens.iter().any(|token| text(token) == "case");
    let (mut open, mut deepest, mut blocks) = (0_usize, 0, 0_usize);
    for token in tokens {
        let text = text(token);
        match (token, text.as_str()) {
            (Token::Operator(..), _) if text.contains('(') => {
                open += text.matches('(').count();
                deepest = deepest.max(open);
            }
            (Token::Operator(..), ")") if !cases => open = open.saturating_sub(1),
            (
                Token::Word(..),
                "if" | "for" | "while" | "until" | "case" | "select" | "{" | "[[" | "function"
                | "coproc" | "elif",
            ) => blocks += 1,
            _ => {}
        }
    }
    if deepest > MOST_PARENTHESES {
        return Err(Refused::new(
            "(",
            format!("more than {MOST_PARENTHESES} parentheses in each other are not read"),
        ));
    }
    if blocks > MOST_BLOCKS {
        return Err(Refused::new(
            "script",
            format!("it has {blocks} blocks, at most {MOST_BLOCKS} are read"),
        ));
    }
    Ok(())
}
