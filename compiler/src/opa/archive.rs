//! The module out of what `opa build` writes: a gzip of a tar with more in it than is wanted.

use std::io::Read;

use flate2::read::GzDecoder;
use serde::Deserialize;

use super::Entrypoint;

/// The largest module that is taken: no bundle may hold a larger component.
pub(super) const MAX_MODULE: u64 = hexgate_bundle::MAX_WASM_BYTES;
/// The largest archive, and the most that it may unpack to: the module, and the sources and data beside it.
pub(super) const MAX_ARCHIVE: u64 = MAX_MODULE + 4 * hexgate_bundle::MAX_TEXT_BYTES;
/// The largest list of contents.
const MAX_MANIFEST: u64 = 1 << 20;
/// OPA writes four entries for one policy.
const MAX_ENTRIES: usize = 64;

const MODULE: &str = "/policy.wasm";
const MANIFEST: &str = "/.manifest";
const MAGIC: &[u8] = b"\0asm\x01\0\0\0";

/// Why an archive holds no module that can be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not what `opa build` writes; what is missing.
    Form(String),
    /// The module answers to other rules as well.
    Entrypoints(Vec<String>),
}

#[derive(Deserialize)]
struct Manifest {
    wasm: Vec<Resolver>,
}

#[derive(Deserialize)]
struct Resolver {
    entrypoint: String,
    module: String,
}

/// Takes the module that answers to `entrypoint` and nothing else.
pub(super) fn module_of(archive: &[u8], entrypoint: &Entrypoint) -> Result<Vec<u8>, Fault> {
    let form = |what: &str| Fault::Form(what.to_owned());
    let unreadable = |_| form("a gzipped tar archive");
    let mut archive = tar::Archive::new(GzDecoder::new(archive).take(MAX_ARCHIVE));
    let (mut module, mut manifest) = (None, None);
    for (index, entry) in archive.entries().map_err(unreadable)?.enumerate() {
        let entry = entry.map_err(unreadable)?;
        if index >= MAX_ENTRIES {
            return Err(form("an archive of a few files"));
        }
        let path = entry.path_bytes().into_owned();
        let (slot, limit) = match path.as_slice() {
            path if path == MODULE.as_bytes() => (&mut module, MAX_MODULE),
            path if path == MANIFEST.as_bytes() => (&mut manifest, MAX_MANIFEST),
            _ => continue,
        };
        let mut bytes = Vec::new();
        entry
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > limit {
            return Err(Fault::Form(format!(
                "an archive whose file `{}` has at most {limit} bytes",
                String::from_utf8_lossy(&path)
            )));
        }
        if slot.replace(bytes).is_some() {
            return Err(form("an archive that holds each file once"));
        }
    }
    let manifest: Manifest = manifest
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| form("an archive with a file `/.manifest` that lists its modules"))?;
    let module = module
        .filter(|module: &Vec<u8>| module.starts_with(MAGIC))
        .ok_or_else(|| form("an archive with a WebAssembly module `/policy.wasm`"))?;
    // An evaluation names its rule by a number that counts all of them, so there must be only the one.
    match manifest.wasm.as_slice() {
        [one] if one.entrypoint == entrypoint.as_str() && one.module == MODULE => Ok(module),
        several
            if several
                .iter()
                .any(|one| one.entrypoint == entrypoint.as_str()) =>
        {
            Err(Fault::Entrypoints(
                several
                    .iter()
                    .map(|one| one.entrypoint.clone())
                    .filter(|other| other != entrypoint.as_str())
                    .collect(),
            ))
        }
        _ => Err(form("an archive whose module answers to the entrypoint")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const LIST: &str = r#"{"wasm": [{"entrypoint": "hexgate/policy/decision", "module": "/policy.wasm"}], "revision": ""}"#;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, content) in files {
            let mut header = tar::Header::new_old();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(content.len() as u64);
            header.set_cksum();
            tar.append(&header, *content).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    fn taken(files: &[(&str, &[u8])]) -> Result<Vec<u8>, Fault> {
        module_of(&archive(files), &Entrypoint::default())
    }

    #[test]
    fn the_module_is_taken_and_everything_else_left() {
        let files: [(&str, &[u8]); 3] = [
            ("/data.json", b"{}"),
            ("/policy.wasm", MAGIC),
            ("/.manifest", LIST.as_bytes()),
        ];
        assert_eq!(taken(&files).as_deref(), Ok(MAGIC));
    }

    #[test]
    fn everything_else_is_refused() {
        let wasm: (&str, &[u8]) = ("/policy.wasm", MAGIC);
        let list: (&str, &[u8]) = ("/.manifest", LIST.as_bytes());
        for files in [
            &[][..],
            &[wasm],
            &[list],
            &[wasm, list, wasm],
            &[("policy.wasm", MAGIC), list],
            &[("/policy.wasm", b"garbage"), list],
            &[("/policy.wasm", b"\0asm\x0d\0\x01\0"), list],
            &[wasm, ("/.manifest", b"{}")],
            &[wasm, ("/.manifest", br#"{"wasm": []}"#)],
            &[
                wasm,
                (
                    "/.manifest",
                    br#"{"wasm": [{"entrypoint": "a/b", "module": "/policy.wasm"}]}"#,
                ),
            ],
        ] {
            assert!(matches!(taken(files), Err(Fault::Form(_))), "{files:?}");
        }
        let whole = archive(&[wasm, list]);
        for bad in [&b""[..], b"no archive", &whole[..whole.len() / 2]] {
            assert!(module_of(bad, &Entrypoint::default()).is_err());
        }
    }

    #[test]
    fn a_second_entrypoint_is_refused_by_name() {
        let two = br#"{"wasm": [{"entrypoint": "hexgate/policy/decision", "module": "/policy.wasm"}, {"entrypoint": "a/b", "module": "/policy.wasm"}]}"#;
        assert_eq!(
            taken(&[("/policy.wasm", MAGIC), ("/.manifest", two)]),
            Err(Fault::Entrypoints(vec!["a/b".to_owned()]))
        );
    }

    #[test]
    fn an_archive_that_unpacks_without_end_is_cut_off() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let mut header = tar::Header::new_old();
        header.as_old_mut().name[..12].copy_from_slice(b"/policy.wasm");
        header.set_size(1 << 33);
        header.set_cksum();
        encoder.write_all(header.as_bytes()).unwrap();
        let zeros = vec![0; 1 << 20];
        for _ in 0..80 {
            encoder.write_all(&zeros).unwrap();
        }
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 1 << 20);
        assert!(matches!(
            module_of(&bomb, &Entrypoint::default()),
            Err(Fault::Form(what)) if what.contains("at most")
        ));
    }
}
