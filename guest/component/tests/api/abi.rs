//! The core module as a host meets it that speaks the canonical ABI itself: what it may do, and what is left in the memory.

use hexgate_component::{HEAP_BASE, module_with_plan};
use wasmtime::{Engine, Instance, Memory, Module, Store, TypedFunc};
use wasmtime::{Result, error::Context as _};

use crate::support::{POLICY, compiled};

type Decide = (u32, u32, u32, u32, u32, u32, u32, u32, u32);

struct Core {
    store: Store<()>,
    memory: Memory,
    realloc: TypedFunc<(u32, u32, u32, u32), u32>,
    decide: TypedFunc<Decide, u32>,
    roles: TypedFunc<(u32, u32), u32>,
    /// Where the arena begins.
    arena: usize,
}

impl Core {
    fn new() -> Result<Self> {
        let plan = compiled(POLICY);
        let engine = Engine::default();
        let module = Module::new(&engine, module_with_plan(&plan)?)?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        Ok(Self {
            memory: instance
                .get_memory(&mut store, "memory")
                .context("no memory")?,
            realloc: instance.get_typed_func(&mut store, "cabi_realloc")?,
            decide: instance.get_typed_func(&mut store, "hexgate:policy/decision@0.2.0#decide")?,
            roles: instance.get_typed_func(&mut store, "hexgate:policy/description@0.2.0#roles")?,
            arena: (HEAP_BASE as usize + plan.len()).next_multiple_of(16),
            store,
        })
    }

    fn place(&mut self, bytes: &[u8], align: u32) -> Result<(u32, u32)> {
        let len = bytes.len() as u32;
        let at = self.realloc.call(&mut self.store, (0, 0, align, len))?;
        assert_eq!(at % align, 0);
        assert!(
            at as usize >= self.arena,
            "what a host places lies behind the plan"
        );
        self.memory.write(&mut self.store, at as usize, bytes)?;
        Ok((at, len))
    }

    fn decide(&mut self, roles: &[&str], tool: &str, arguments: &str) -> Result<u32> {
        self.decide_with(roles, tool, arguments, "")
    }

    /// With facts, unless they are empty.
    fn decide_with(
        &mut self,
        roles: &[&str],
        tool: &str,
        arguments: &str,
        facts: &str,
    ) -> Result<u32> {
        let mut table = Vec::new();
        for role in roles {
            let (at, len) = self.place(role.as_bytes(), 1)?;
            table.extend([at.to_le_bytes(), len.to_le_bytes()].concat());
        }
        let (roles_at, _) = self.place(&table, 4)?;
        let (tool, arguments) = (
            self.place(tool.as_bytes(), 1)?,
            self.place(arguments.as_bytes(), 1)?,
        );
        let (has_facts, facts) = (
            u32::from(!facts.is_empty()),
            self.place(facts.as_bytes(), 1)?,
        );
        let roles = (roles_at, roles.len() as u32);
        let params = (
            roles.0,
            roles.1,
            tool.0,
            tool.1,
            arguments.0,
            arguments.1,
            has_facts,
            facts.0,
            facts.1,
        );
        self.decide.call(&mut self.store, params)
    }

    fn word(&self, at: u32) -> u32 {
        let bytes = self.memory.data(&self.store)[at as usize..][..4]
            .try_into()
            .unwrap();
        u32::from_le_bytes(bytes)
    }

    fn text(&self, at: u32) -> String {
        let (start, len) = (self.word(at) as usize, self.word(at + 4) as usize);
        String::from_utf8(self.memory.data(&self.store)[start..start + len].to_vec()).unwrap()
    }

    /// `[result, verdict]`
    fn verdict(&self, at: u32) -> [u32; 2] {
        [self.word(at) & 0xff, self.word(at + 8) & 0xff]
    }

    fn contains(&self, needle: &str) -> bool {
        self.memory
            .data(&self.store)
            .windows(needle.len())
            .any(|window| window == needle.as_bytes())
    }
}

const ALLOWED: [u32; 2] = [0, 2];
const DENIED: [u32; 2] = [0, 0];

#[test]
fn nothing_of_a_permitted_request_stays_in_memory() -> Result<()> {
    let mut core = Core::new()?;
    let nested = r#"{"a":[[],{},[1,{"zqa":[null,"zqb"]}]],"b":[1,2,3,4,5,6,7,8],"zqc":{"d":{"e":[{"f":{}}]}}}"#;
    for (roles, tool, arguments, facts) in [
        (
            ["clerk", "zqrole"],
            "refund",
            r#"{"amount": 1, "currency": "EUR", "note": "zqsecret"}"#,
            "",
        ),
        (
            ["clerk", "zqrole"],
            "read_file",
            r#"{"file_path": "docs/zq/./a//zqb"}"#,
            r#"{"user": {"zq": [1, []]}}"#,
        ),
        (
            ["zqrole", "zqrole"],
            "ping",
            nested,
            r#"{"ctx": {"zqa": {"b": [[1], [2]]}}, "run": null}"#,
        ),
        (["zqrole", "zqrole"], "ping", "{}", "{}"),
        (["zqrole", "zqrole"], "ping", nested, ""),
    ] {
        let at = core.decide_with(&roles, tool, arguments, facts)?;
        assert_eq!(core.verdict(at), ALLOWED);
        assert!(!core.contains("zq"));
        let arena = &core.memory.data(&core.store)[core.arena..];
        assert_eq!(
            arena.iter().position(|byte| *byte != 0),
            None,
            "after {arguments} the arena is zeroed"
        );
    }
    Ok(())
}

#[test]
fn a_denial_stays_readable_until_the_next_call_and_no_longer() -> Result<()> {
    let mut core = Core::new()?;
    let at = core.decide(&["clerk"], "zqtool.refund", "{")?;
    assert_eq!(core.verdict(at)[0], 1, "malformed");
    let at = core.decide(&["clerk"], "agent.zqtool", r#"{"a": "zqzqzq-secret"}"#)?;
    assert_eq!(core.verdict(at), DENIED);
    assert!(core.text(at + 12).contains("agent.zqtool"));
    assert!(!core.contains("zqzqzq"));
    let at = core.decide(&[], "ping", "{}")?;
    assert_eq!(core.verdict(at), ALLOWED);
    assert!(!core.contains("zqtool"));
    let arena = &core.memory.data(&core.store)[core.arena..];
    assert_eq!(
        arena.iter().position(|byte| *byte != 0),
        None,
        "the arena is zeroed"
    );
    Ok(())
}

#[test]
fn a_thousand_calls_use_the_same_memory() -> Result<()> {
    let mut core = Core::new()?;
    let size = core.memory.data_size(&core.store);
    let first = core.place(b"x", 1)?.0;
    for _ in 0..1000 {
        let at = core.decide(
            &["clerk"],
            "refund",
            r#"{"amount": 101, "currency": "EUR"}"#,
        )?;
        assert_eq!(core.verdict(at), DENIED);
        let at = core.roles.call(&mut core.store, (0, 9))?;
        assert_eq!(core.text(core.word(at)), "clerk");
    }
    assert_eq!(core.place(b"x", 1)?.0, first);
    assert_eq!(core.memory.data_size(&core.store), size);
    Ok(())
}

#[test]
fn a_host_may_resize_what_it_places_and_may_give_up() -> Result<()> {
    let mut core = Core::new()?;
    // As a host does that transcodes: too little, then more, with something else placed in between.
    let (early, _) = core.place(b"zq", 1)?;
    let (tool, _) = core.place(b"pi", 1)?;
    let tool = core.realloc.call(&mut core.store, (tool, 2, 1, 4))?;
    core.memory
        .write(&mut core.store, tool as usize + 2, b"ng")?;
    let early = core.realloc.call(&mut core.store, (early, 2, 1, 6))?;
    assert_eq!(
        &core.memory.data(&core.store)[early as usize..][..6],
        b"zq\0\0\0\0"
    );
    let (arguments, _) = core.place(b"{}   zq", 1)?;
    let arguments = core.realloc.call(&mut core.store, (arguments, 7, 1, 2))?;
    let at = core
        .decide
        .call(&mut core.store, (0, 0, tool, 4, arguments, 2, 0, 0, 0))?;
    assert_eq!(core.verdict(at), ALLOWED);
    assert!(!core.contains("zq"));

    core.place(b"zq given up", 1)?;
    let at = core.decide(&[], "ping", "{}")?;
    assert_eq!(core.verdict(at), ALLOWED);
    assert!(!core.contains("zq"));
    Ok(())
}

#[test]
fn a_host_that_does_not_speak_the_abi_gets_a_trap() -> Result<()> {
    for (align, size) in [(0, 1), (3, 1), (1 << 31, 1), (1, u32::MAX)] {
        let mut core = Core::new()?;
        assert!(
            core.realloc
                .call(&mut core.store, (0, 0, align, size))
                .is_err()
        );
    }
    Ok(())
}

#[test]
fn an_empty_request_needs_no_memory_from_the_host() -> Result<()> {
    let mut core = Core::new()?;
    for _ in 0..2 {
        let at = core
            .decide
            .call(&mut core.store, (0, 0, 0, 0, 0, 0, 0, 0, 0))?;
        assert_eq!(core.verdict(at)[0], 1, "empty arguments are malformed");
    }
    Ok(())
}
