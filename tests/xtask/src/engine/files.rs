//! The files of the artifact.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::template::{Number, Template};
use crate::workspace;

const COMPONENT: &str = "engine.component.wasm";
const WRAPPER: &str = "opa.wrapper.bin";
const HANDLER: &str = "http.component.wasm";
const DIGESTS: &str = "SHA256SUMS";
const BUILT_BY: &str = "BUILT-BY";

/// What is committed in `guest/component/`: `artifact/`, and the offsets in it as Rust.
#[derive(Debug)]
pub(crate) struct Files {
    component: Vec<u8>,
    wrapper: Vec<u8>,
    handler: Vec<u8>,
    digests: String,
    pub(crate) built_by: String,
    offsets: String,
}

impl Files {
    /// Files for new artifacts.
    pub(crate) fn new(
        component: Template,
        wrapper: Template,
        handler: Vec<u8>,
        heap_base: u32,
        built_by: String,
    ) -> Self {
        let digests = digests(&component.bytes, &wrapper.bytes, &handler);
        let offsets = offsets(&component, &wrapper, heap_base, &built_by);
        Self {
            component: component.bytes,
            wrapper: wrapper.bytes,
            handler,
            digests,
            built_by,
            offsets,
        }
    }

    /// The files that lie in the tree.
    pub(crate) fn committed() -> Result<Self> {
        let folder = folder();
        let text = |path: PathBuf| {
            fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))
        };
        let bytes = |path: PathBuf| {
            fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))
        };
        Ok(Self {
            component: bytes(folder.join("artifact").join(COMPONENT))?,
            wrapper: bytes(folder.join("artifact").join(WRAPPER))?,
            handler: bytes(folder.join("artifact").join(HANDLER))?,
            digests: text(folder.join("artifact").join(DIGESTS))?,
            built_by: text(folder.join("artifact").join(BUILT_BY))?
                .trim_end()
                .to_owned(),
            offsets: text(folder.join("src/artifact.rs"))?,
        })
    }

    /// Which engine this is.
    pub(super) fn engine(&self) -> String {
        sha256(&self.component)
    }

    /// Fails if a file is not the one that the digests were made of.
    pub(crate) fn check_digests(&self) -> Result<()> {
        if self.digests != digests(&self.component, &self.wrapper, &self.handler) {
            bail!("the artifact is not what `{DIGESTS}` says: run `cargo xtask engine build`");
        }
        Ok(())
    }

    /// What of this is not as it is in `other`.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        if self.component != other.component {
            return Some(format!(
                "the source builds another engine ({}) than the committed one ({})",
                self.summary(),
                other.summary()
            ));
        }
        if self.wrapper != other.wrapper {
            return Some(
                "the source builds another wrapper of OPA's modules than the committed one"
                    .to_owned(),
            );
        }
        if self.handler != other.handler {
            return Some(format!(
                "the source builds another HTTP handler ({} bytes) than the committed one",
                self.handler.len()
            ));
        }
        (self.digests != other.digests || self.offsets != other.offsets)
            .then(|| "the engine is the committed one, but not the files around it".to_owned())
    }

    pub(crate) fn summary(&self) -> String {
        let digest = self.engine();
        format!(
            "{} bytes, sha256 {}…, with OPA {} bytes, HTTP handler {} bytes",
            self.component.len(),
            digest.get(..12).unwrap_or_default(),
            self.wrapper.len(),
            self.handler.len(),
        )
    }

    /// Writes the files to where they are committed.
    pub(crate) fn write(&self) -> Result<()> {
        let folder = folder();
        self.write_artifact(&folder.join("artifact"))?;
        write(&folder.join("src/artifact.rs"), self.offsets.as_bytes())
    }

    /// Writes the files to one folder, for a build of `hexgate-component` that is told to take them from there.
    pub(crate) fn write_to(&self, folder: &Path) -> Result<()> {
        self.write_artifact(folder)?;
        let offsets: String = self
            .offsets
            .lines()
            .filter(|line| !line.starts_with("//!"))
            .fold(String::new(), |mut all, line| {
                let _ = writeln!(all, "{}", line.replace("\"../artifact/", "\""));
                all
            });
        write(&folder.join("artifact.rs"), offsets.as_bytes())
    }

    fn write_artifact(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create `{}`", folder.display()))?;
        write(&folder.join(COMPONENT), &self.component)?;
        write(&folder.join(WRAPPER), &self.wrapper)?;
        write(&folder.join(HANDLER), &self.handler)?;
        write(&folder.join(DIGESTS), self.digests.as_bytes())?;
        write(
            &folder.join(BUILT_BY),
            format!("{}\n", self.built_by).as_bytes(),
        )
    }
}

fn folder() -> PathBuf {
    workspace::root().join("guest/component")
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn digests(component: &[u8], wrapper: &[u8], handler: &[u8]) -> String {
    format!(
        "{}  {COMPONENT}\n{}  {HANDLER}\n{}  {WRAPPER}\n",
        sha256(component),
        sha256(handler),
        sha256(wrapper)
    )
}

/// `artifact.rs`, as rustfmt would write it.
fn offsets(component: &Template, wrapper: &Template, heap_base: u32, built_by: &str) -> String {
    let digest = sha256(&component.bytes);
    format!(
        "//! Where things stand in the artifact. Written by `cargo xtask engine build`; do not edit.

use core::ops::Range;

use crate::template::{{
    Number::{{Length, Pages}},
    Template,
}};

/// SHA-256 of the engine's component without a plan, 64 lower-case hexadecimal digits: which engine this is.
pub const DIGEST: &str = \"{digest}\";

/// The compiler and linker that built the engine.
#[rustfmt::skip]
pub const BUILT_BY: &str = \"{built_by}\";

/// Where the plan lies in the engine's memory.
pub const HEAP_BASE: u32 = {heap_base};

pub(crate) const CORE: Range<usize> = {}..{};

pub(crate) const COMPONENT: Template = {};

pub(crate) const WRAPPER: Template = {};

/// The `wasi:http` handler that a policy is composed with: a component that imports `hexgate:policy`.
pub const HTTP_HANDLER: &[u8] = include_bytes!(\"../artifact/{HANDLER}\");
",
        component.core.start,
        component.core.end,
        template(component, COMPONENT),
        template(wrapper, WRAPPER),
    )
}

fn template(template: &Template, file: &str) -> String {
    let numbers = template.numbers.iter().map(|(at, number)| match number {
        Number::Length(empty) => format!("        ({at}, Length({empty})),\n"),
        Number::Pages(empty) => format!("        ({at}, Pages({empty})),\n"),
    });
    format!(
        "Template {{
    bytes: include_bytes!(\"../artifact/{file}\"),
    plan_at: {},
    numbers: &[
{}    ],
}}",
        template.plan_at,
        numbers.collect::<String>(),
    )
}
