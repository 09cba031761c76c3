//! A bundle as manifests and blobs of a registry.
//!
//! The component is an artifact of its own, in the layout that the CNCF's working group for Wasm describes and `wkg` reads: one layer
//! `application/wasm` and a configuration `application/vnd.wasm.config.v0+json`. So any runtime that takes components from registries can
//! use it. The annotations of its manifest name the bundle's other files by digest, so that a digest of the manifest pins all of them.
//!
//! ```text
//! policies/support:7                             the component
//!   config       application/vnd.wasm.config.v0+json
//!   layer        application/wasm
//!   annotations  com.hexgate.bundle.{manifest,signature,source,rego}: sha256:…
//! policies/support:sha256-….hexgate              the other files, attached to it
//!   subject      the manifest above
//!   layers       application/vnd.hexgate.bundle.…
//! ```
//!
//! The second manifest keeps a registry from collecting the other files as garbage, and shows them to tools that ask what is attached.
//! Reading a bundle does not need it. Equal bundles give equal manifests: nothing in them depends on the time.

use std::collections::BTreeMap;

use hexgate_bundle::{Digest, MAX_MANIFEST_BYTES, MAX_TEXT_BYTES, SealedBundle};
use oci_client::manifest::{OciDescriptor, OciImageManifest};
use serde::Serialize;

/// The type of both manifests.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const WASM: &str = "application/wasm";
const ATTACHED: &str = "application/vnd.hexgate.bundle.v2";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const EMPTY_CONTENT: &[u8] = b"{}";
const TITLE: &str = "org.opencontainers.image.title";

/// As long as an Ed25519 signature is.
const MAX_SIGNATURE_BYTES: u64 = 64;

/// A file of a bundle beside the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    annotation: &'static str,
    media_type: &'static str,
    /// The most bytes that are read.
    pub(crate) limit: u64,
}

pub(crate) const MANIFEST_PART: Part = Part {
    name: "manifest",
    annotation: "com.hexgate.bundle.manifest",
    media_type: "application/vnd.hexgate.bundle.manifest.v2+json",
    limit: MAX_MANIFEST_BYTES,
};
pub(crate) const SIGNATURE_PART: Part = Part {
    name: "signature",
    annotation: "com.hexgate.bundle.signature",
    media_type: "application/vnd.hexgate.bundle.signature",
    limit: MAX_SIGNATURE_BYTES,
};
pub(crate) const SOURCE_PART: Part = Part {
    name: "source",
    annotation: "com.hexgate.bundle.source",
    media_type: "application/vnd.hexgate.bundle.source+yaml",
    limit: MAX_TEXT_BYTES,
};
pub(crate) const REGO_PART: Part = Part {
    name: "rego text",
    annotation: "com.hexgate.bundle.rego",
    media_type: "application/vnd.hexgate.bundle.rego",
    limit: MAX_TEXT_BYTES,
};

/// A bundle, ready to be pushed.
pub(crate) struct Artifact {
    /// What the manifests name, each once.
    pub(crate) blobs: Vec<(Digest, Vec<u8>)>,
    /// The component's manifest.
    pub(crate) component: Vec<u8>,
    /// The manifest of the other files.
    pub(crate) attached: Vec<u8>,
}

/// The configuration of a component. It is informative only.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    created: &'a str,
    author: Option<&'a str>,
    architecture: &'a str,
    os: &'a str,
    layer_digests: [String; 1],
    component: Component,
}

#[derive(Serialize)]
struct Component {
    exports: Vec<String>,
    imports: Vec<String>,
    target: Option<String>,
}

impl Artifact {
    /// Lays a bundle out. None if its manifest names no version of the contract: then it holds no component.
    pub(crate) fn of(bundle: &SealedBundle) -> Result<Option<Self>, serde_json::Error> {
        let Some((package, version)) = bundle
            .manifest()
            .contract()
            .and_then(|contract| contract.split_once('@'))
        else {
            return Ok(None);
        };
        let stem = bundle.stem();
        let mut blobs = Vec::new();
        let mut layers = Vec::new();
        let mut annotations = BTreeMap::new();
        let mut component = None;
        for (file, content) in bundle.files() {
            // Registries treat empty blobs differently, so an empty file has no annotation.
            if content.is_empty() {
                continue;
            }
            let mut layer = descriptor(WASM, content);
            layer.annotations = Some([(TITLE.to_owned(), file.clone())].into());
            if file == stem.wasm() {
                component = Some(layer);
            } else {
                let part = part_of(bundle, &file);
                layer.media_type = part.media_type.to_owned();
                annotations.insert(part.annotation.to_owned(), layer.digest.clone());
                layers.push(layer);
            }
            blobs.push((Digest::of(content), content.to_vec()));
        }
        let Some(component) = component else {
            return Ok(None);
        };
        let config = serde_json::to_vec(&Config {
            // Equal bundles are equal artifacts.
            created: "1970-01-01T00:00:00Z",
            author: None,
            architecture: "wasm",
            os: "wasip2",
            layer_digests: [component.digest.clone()],
            component: Component {
                exports: ["decision", "description"]
                    .map(|interface| format!("{package}/{interface}@{version}"))
                    .into(),
                imports: Vec::new(),
                target: None,
            },
        })?;
        let manifest = serde_json::to_vec(&OciImageManifest {
            media_type: Some(MANIFEST.to_owned()),
            config: descriptor(CONFIG, &config),
            layers: vec![component],
            annotations: Some(annotations),
            ..OciImageManifest::default()
        })?;
        let attached = serde_json::to_vec(&OciImageManifest {
            media_type: Some(MANIFEST.to_owned()),
            artifact_type: Some(ATTACHED.to_owned()),
            config: descriptor(EMPTY, EMPTY_CONTENT),
            layers,
            subject: Some(descriptor(MANIFEST, &manifest)),
            ..OciImageManifest::default()
        })?;
        blobs.push((Digest::of(&config), config));
        blobs.push((Digest::of(EMPTY_CONTENT), EMPTY_CONTENT.to_vec()));
        Ok(Some(Self {
            blobs,
            component: manifest,
            attached,
        }))
    }

    /// The digest by which the bundle can be pinned.
    pub(crate) fn digest(&self) -> String {
        text(Digest::of(&self.component))
    }

    /// The tag of the other files.
    pub(crate) fn tag_of_attached(&self) -> String {
        format!("sha256-{}.hexgate", Digest::of(&self.component))
    }
}

fn part_of(bundle: &SealedBundle, file: &str) -> Part {
    let stem = bundle.stem();
    if file == stem.manifest() {
        MANIFEST_PART
    } else if file == stem.signature() {
        SIGNATURE_PART
    } else if file == stem.source() {
        SOURCE_PART
    } else {
        REGO_PART
    }
}

fn descriptor(media_type: &str, content: &[u8]) -> OciDescriptor {
    OciDescriptor {
        media_type: media_type.to_owned(),
        digest: text(Digest::of(content)),
        // What is larger than an `i64` is larger than what a bundle holds.
        size: i64::try_from(content.len()).unwrap_or(i64::MAX),
        ..OciDescriptor::default()
    }
}

/// A digest as registries write it.
pub(crate) fn text(digest: Digest) -> String {
    format!("sha256:{digest}")
}

/// A digest that a registry wrote.
pub(crate) fn digest_of(text: &str) -> Option<Digest> {
    text.strip_prefix("sha256:")?.parse().ok()
}

/// A manifest in a registry. It is not trusted.
#[derive(Debug)]
pub(crate) struct Layout {
    manifest: OciImageManifest,
}

impl Layout {
    /// Reads a manifest, and refuses one that is not of a component in the layout above. The error is a reason for a message.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let manifest: OciImageManifest = serde_json::from_slice(bytes)
            .map_err(|error| format!("its manifest cannot be read: {error}"))?;
        if manifest.schema_version != 2 {
            return Err("its manifest is not of version 2".to_owned());
        }
        if let Some(other) = manifest
            .media_type
            .as_deref()
            .filter(|found| *found != MANIFEST)
        {
            return Err(format!("it is `{}`, expected `{MANIFEST}`", shown(other)));
        }
        if manifest.config.media_type != CONFIG {
            return Err(format!(
                "its configuration is `{}`, expected `{CONFIG}`",
                shown(&manifest.config.media_type)
            ));
        }
        match manifest.layers.as_slice() {
            [layer] if layer.media_type == WASM => Ok(Self { manifest }),
            [layer] => Err(format!(
                "its layer is `{}`, expected `{WASM}`",
                shown(&layer.media_type)
            )),
            layers => Err(format!("it has {} layers, expected one", layers.len())),
        }
    }

    /// The component's digest and size.
    pub(crate) fn component(&self) -> Result<(Digest, u64), String> {
        let layer = self.manifest.layers.first().ok_or("it has no layer")?;
        let digest = digest_of(&layer.digest).ok_or("the digest of its layer is not SHA-256")?;
        let size = u64::try_from(layer.size).map_err(|_| "the size of its layer is negative")?;
        Ok((digest, size))
    }

    /// The digest of another file. None: there is no such file.
    pub(crate) fn part(&self, part: Part) -> Result<Option<Digest>, String> {
        let annotations = self.manifest.annotations.as_ref();
        let Some(stated) = annotations.and_then(|all| all.get(part.annotation)) else {
            return Ok(None);
        };
        let digest = digest_of(stated).ok_or_else(|| {
            format!(
                "its annotation `{}` is not a SHA-256 digest",
                part.annotation
            )
        })?;
        Ok(Some(digest))
    }
}

/// The beginning of an untrusted text, printable.
pub(crate) fn shown(text: &str) -> String {
    text.chars()
        .take(100)
        .flat_map(char::escape_debug)
        .collect()
}
