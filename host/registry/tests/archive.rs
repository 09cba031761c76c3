//! Archives of strangers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::SystemTime;

use hexgate_bundle::{
    Claims, Draft, Expectation, PrivateKey, SealedBundle, TrustedKeys, UnverifiedBundle,
    VerifiedBundle,
};
use hexgate_registry::{export, import};
use tar::{Builder, EntryType, Header};

/// A bundle of this name, and its files.
fn bundle(stem: &str, rego: &str) -> (VerifiedBundle, Vec<(String, Vec<u8>)>) {
    let folder = tempfile::tempdir().unwrap();
    let pair = hexgate_bundle::generate(folder.path().join("key"), false).unwrap();
    let key = PrivateKey::from_file(&pair.private).unwrap().key;
    let draft = Draft {
        stem: stem.parse().unwrap(),
        source: b"version: 1\n",
        rego,
        wasm: b"\0asm\x0d\0\x01\0",
        claims: Claims {
            agent: Some("bot".into()),
            ..Claims::new(
                format!("{stem}.yaml"),
                "hexgate:policy@0.1.0",
                "native",
                "test",
            )
        },
    };
    let sealed: SealedBundle = draft.seal(Some(&key)).unwrap();
    let files = sealed
        .files()
        .into_iter()
        .map(|(name, content)| (name, content.to_vec()))
        .collect();
    let keys = TrustedKeys::from_file(&pair.public).unwrap();
    let bundle = UnverifiedBundle::from_parts(sealed.into_parts("here"))
        .unwrap()
        .verify(&keys, &Expectation::agent("bot"), SystemTime::now())
        .unwrap();
    (bundle, files)
}

/// One entry of an archive.
struct Entry {
    name: String,
    kind: EntryType,
    content: Vec<u8>,
    mode: u32,
}

fn entries(files: &[(String, Vec<u8>)]) -> Vec<Entry> {
    files
        .iter()
        .map(|(name, content)| Entry {
            name: name.clone(),
            kind: EntryType::Regular,
            content: content.clone(),
            mode: 0o644,
        })
        .collect()
}

fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_ustar();
        // Names that the library would not write.
        header.as_mut_bytes()[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(entry.content.len() as u64);
        if !matches!(entry.kind, EntryType::Regular) {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        builder.append(&header, entry.content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn refused(bytes: &[u8]) -> String {
    import(bytes, "`it`").unwrap_err().to_string()
}

#[test]
fn what_is_exported_is_what_is_read() {
    let (bundle, files) = bundle("policy", "package x\n");
    let exported = export(&bundle).unwrap();
    assert_eq!(exported, archive(&entries(&files)));
    assert!(import(&exported, "`it`").unwrap().is_signed());
    // An empty file is a file.
    let (bundle, _) = self::bundle("policy", "");
    assert!(import(&export(&bundle).unwrap(), "`it`").is_ok());
}

#[test]
fn names_that_do_not_fit_are_refused_when_exporting() {
    let (bundle, _) = bundle(&"x".repeat(120), "");
    let error = export(&bundle).unwrap_err().to_string();
    assert!(error.contains("at most 80 bytes"), "{error}");
}

#[test]
fn nothing_but_a_bundles_files_is_read() {
    let (_, files) = bundle("policy", "package x\n");
    let with = |change: &dyn Fn(&mut Vec<Entry>)| {
        let mut entries = entries(&files);
        change(&mut entries);
        archive(&entries)
    };
    let renamed =
        |name: &'static str| move |entries: &mut Vec<Entry>| entries[0].name = name.into();
    let kind = |kind| {
        move |entries: &mut Vec<Entry>| {
            entries[0].kind = kind;
            entries[0].content.clear();
        }
    };
    for (what, bytes, said) in [
        (
            "a path upwards",
            with(&renamed("../policy.yaml")),
            "not a plain name",
        ),
        (
            "an absolute path",
            with(&renamed("/policy.yaml")),
            "not a plain name",
        ),
        (
            "a folder in front",
            with(&renamed("./policy.yaml")),
            "not a plain name",
        ),
        (
            "another stem",
            with(&renamed("other.yaml")),
            "`policy.yaml` is missing",
        ),
        (
            "a symbolic link",
            with(&kind(EntryType::Symlink)),
            "not a regular file",
        ),
        (
            "a hard link",
            with(&kind(EntryType::Link)),
            "not a regular file",
        ),
        (
            "a device",
            with(&kind(EntryType::Char)),
            "not a regular file",
        ),
        (
            "a folder",
            with(&kind(EntryType::Directory)),
            "not a regular file",
        ),
        (
            "a long name",
            with(&kind(EntryType::GNULongName)),
            "not a regular file",
        ),
        (
            "an extended header",
            with(&kind(EntryType::XHeader)),
            "not a regular file",
        ),
        (
            "the same name twice",
            with(&|entries| entries[1].name = entries[0].name.clone()),
            "comes twice",
        ),
        (
            "two manifests",
            with(&|entries| entries[0].name = "b.bundle.json".into()),
            "exactly one",
        ),
        (
            "no manifest",
            with(&|entries| entries.truncate(3)),
            "exactly one",
        ),
        (
            "no signature",
            with(&|entries| entries.truncate(4)),
            "is missing",
        ),
        (
            "another file",
            with(&|entries| {
                entries.push(Entry {
                    name: "x".into(),
                    kind: EntryType::Regular,
                    content: vec![],
                    mode: 0o644,
                })
            }),
            "more than 5 files",
        ),
        (
            "another order",
            with(&|entries| entries.swap(0, 1)),
            "not, byte for byte, what",
        ),
        (
            "another mode",
            with(&|entries| entries[0].mode = 0o4755),
            "not, byte for byte, what",
        ),
    ] {
        let error = refused(&bytes);
        assert!(error.contains(said), "{what}: {error}");
    }
}

#[test]
fn an_archive_that_lies_about_sizes_is_refused() {
    let (bundle, _) = bundle("policy", "package x\n");
    let exported = export(&bundle).unwrap();
    for size in [
        *b"77777777777\0",
        *b"00000000000\0",
        *b"xxxxxxxxxxx\0",
        [0xff; 12],
    ] {
        let mut bytes = exported.clone();
        bytes[124..136].copy_from_slice(&size);
        let mut header = Header::from_byte_slice(&bytes[..512]).clone();
        header.set_cksum();
        bytes[..512].copy_from_slice(header.as_bytes());
        refused(&bytes);
    }
}

#[test]
fn no_byte_of_an_archive_is_ignored() {
    let (bundle, files) = bundle("policy", "package x\n");
    let exported = export(&bundle).unwrap();
    // What is read though a byte of it was changed differs in a file's content, which the signature covers.
    let mut contents = Vec::new();
    let mut at = 0;
    for (_, content) in &files {
        let start = at + 512;
        contents.push(start..start + content.len());
        at = start + content.len().next_multiple_of(512);
    }
    for at in 0..exported.len() {
        let mut bytes = exported.clone();
        bytes[at] ^= 1;
        let signed = contents.iter().any(|content| content.contains(&at));
        assert_eq!(import(&bytes, "`it`").is_ok(), signed, "byte {at}");
    }
    for end in (0..exported.len()).step_by(64) {
        refused(&exported[..end]);
    }
}
