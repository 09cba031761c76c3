//! Parts the core module of a known component into code and data.
//!
//! The input is a component that was found equal to what this host ships, so its shape is known. Reading stays careful all the
//! same: whatever does not fit ends in None, and the component is then run like any other.

/// A core module in two: what all policies share, and what is this policy's own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The code, importing its memory.
    pub(crate) code: Vec<u8>,
    /// The memory and its first content.
    pub(crate) data: Vec<u8>,
}

const CORE: &[u8; 8] = b"\0asm\x01\0\0\0";
const COMPONENT: &[u8; 8] = b"\0asm\x0d\0\x01\0";

/// Section ids of core modules, in their order; the data count stands before the code.
const TYPE: u8 = 1;
const IMPORT: u8 = 2;
const MEMORY: u8 = 5;
const DATA: u8 = 11;
const DATA_COUNT: u8 = 12;

/// One import: memory 0 as `policy.memory`, of any size.
const MEMORY_IMPORT: &[u8] = b"\x01\x06policy\x06memory\x02\x00\x00";
/// One export: memory 0 as `memory`.
const MEMORY_EXPORT: &[u8] = b"\x01\x06memory\x02\x00";

/// Parts the only core module of a component.
pub(crate) fn split(component: &[u8]) -> Option<Parts> {
    let mut modules =
        Sections(component.strip_prefix(COMPONENT)?).filter(|section| section.id == 1);
    let module = modules.next()?;
    if modules.next().is_some() {
        return None;
    }
    split_module(module.body)
}

fn split_module(module: &[u8]) -> Option<Parts> {
    let mut parts = Parts {
        code: CORE.to_vec(),
        data: CORE.to_vec(),
    };
    let mut seen = (false, false);
    let mut sections = Sections(module.strip_prefix(CORE)?);
    for section in &mut sections {
        match section.id {
            // An own import would shift indices; a data count means segments that code refers to.
            IMPORT | DATA_COUNT => return None,
            TYPE => {
                put(&mut parts.code, TYPE, section.body);
                put(&mut parts.code, IMPORT, MEMORY_IMPORT);
            }
            MEMORY => {
                seen.0 = true;
                put(&mut parts.data, MEMORY, section.body);
                put(&mut parts.data, 7, MEMORY_EXPORT);
            }
            DATA => {
                seen.1 = true;
                put(&mut parts.data, DATA, section.body);
            }
            0 => {}
            id => put(&mut parts.code, id, section.body),
        }
    }
    (seen == (true, true) && sections.0.is_empty()).then_some(parts)
}

fn put(module: &mut Vec<u8>, id: u8, body: &[u8]) {
    module.push(id);
    let mut length = body.len();
    loop {
        let low = u8::try_from(length & 0x7F).unwrap_or(0);
        length >>= 7;
        module.push(if length == 0 { low } else { low | 0x80 });
        if length == 0 {
            break;
        }
    }
    module.extend_from_slice(body);
}

struct Section<'a> {
    id: u8,
    body: &'a [u8],
}

/// Walks the sections of a module or component. Stops early, with bytes left over, where something does not fit.
struct Sections<'a>(&'a [u8]);

impl<'a> Iterator for Sections<'a> {
    type Item = Section<'a>;

    fn next(&mut self) -> Option<Section<'a>> {
        let (&id, rest) = self.0.split_first()?;
        let (length, rest) = length(rest)?;
        let (body, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Section { id, body })
    }
}

/// A LEB128 number of at most five bytes, padded or not.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0u64;
    for (position, &byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7F) << (7 * position);
        if byte & 0x80 == 0 {
            let rest = bytes.get(position.saturating_add(1)..)?;
            return Some((usize::try_from(value).ok()?, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: &str = r#"(component (core module
        (memory (export "memory") 2)
        (global $g (mut i32) (i32.const 7))
        (func (export "f") (result i32) (i32.load (global.get $g)))
        (data (i32.const 7) "abcd")))"#;

    #[test]
    fn code_and_data_run_as_the_whole_did() {
        let parts = split(&wat::parse_str(ENGINE).unwrap()).unwrap();
        let engine = wasmtime::Engine::default();
        let mut store = wasmtime::Store::new(&engine, ());
        let data = wasmtime::Module::from_binary(&engine, &parts.data).unwrap();
        let code = wasmtime::Module::from_binary(&engine, &parts.code).unwrap();
        let memory = wasmtime::Instance::new(&mut store, &data, &[])
            .unwrap()
            .get_memory(&mut store, "memory")
            .unwrap();
        assert_eq!(memory.size(&store), 2);
        let running = wasmtime::Instance::new(&mut store, &code, &[memory.into()]).unwrap();
        let f = running.get_typed_func::<(), u32>(&mut store, "f").unwrap();
        assert_eq!(
            f.call(&mut store, ()).unwrap(),
            u32::from_le_bytes(*b"abcd")
        );
        assert_eq!(
            running
                .get_memory(&mut store, "memory")
                .unwrap()
                .data(&store)[7..11],
            *b"abcd"
        );
    }

    #[test]
    fn the_code_does_not_depend_on_the_data() {
        let one = split(&wat::parse_str(ENGINE).unwrap()).unwrap();
        let other = ENGINE
            .replace("abcd", "another, longer")
            .replace(" 2)", " 3)");
        let other = split(&wat::parse_str(&other).unwrap()).unwrap();
        assert_eq!(one.code, other.code);
        assert_ne!(one.data, other.data);
    }

    #[test]
    fn what_does_not_fit_is_not_parted() {
        let whole = wat::parse_str(ENGINE).unwrap();
        for end in 0..whole.len() {
            let _ = split(&whole[..end]);
        }
        assert_eq!(split(b""), None);
        assert_eq!(split(&wat::parse_str("(module)").unwrap()), None);
        for module in [
            "",
            "(memory 1)",
            r#"(memory 1) (import "a" "b" (func)) (data (i32.const 0) "")"#,
            r#"(memory 1) (data $d "x") (func (data.drop $d))"#,
        ] {
            let text = format!("(component (core module {module}))");
            let Ok(bytes) = wat::parse_str(&text) else {
                continue;
            };
            assert_eq!(split(&bytes), None, "{module}");
        }
        assert_eq!(
            split(
                &wat::parse_str(format!(
                    "(component {0} {0})",
                    &ENGINE[10..ENGINE.len() - 1]
                ))
                .unwrap()
            ),
            None
        );
    }
}
