//! Plans to embed.

use hexgate_compiler::{Compiler, Options};

/// A plan by its outer form only.
pub(crate) fn shaped(len: usize) -> Vec<u8> {
    let mut plan: Vec<u8> = (0..len).map(|at| (at * 31 % 251) as u8).collect();
    plan[..4].copy_from_slice(b"HXPL");
    plan[8..12].copy_from_slice(&(len as u32).to_le_bytes());
    plan
}

/// The plan of a policy.
pub(crate) fn compiled(policy: &str) -> Vec<u8> {
    let outcome = Compiler::new(Options::default()).compile_str("policy.yaml", policy);
    match outcome.policy {
        Some(compiled) => compiled.plan,
        None => panic!("the policy is refused: {:?}", outcome.diagnostics),
    }
}

/// A policy that uses a little of everything.
pub(crate) const POLICY: &str = r#"
roles:
  default:
    tools:
      ping: { mode: allow }
  clerk:
    default_policy: { mode: approval_required }
    tools:
      refund:
        mode: allow
        constraints:
          - 'args.amount <= 100'
          - 'args.currency in ["EUR", "USD"]'
      wipe: { mode: deny }
      read_file:
        mode: allow
        file_scope: { allowed_paths: ["docs/**"], denied_paths: ["docs/secret/**"] }
"#;
