//! One bounded conversation with a registry.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use hexgate_bundle::Digest;
use oci_client::{
    Client, RegistryOperation,
    client::{ClientConfig, ClientProtocol},
    manifest::OciDescriptor,
    secrets::RegistryAuth,
};
use reqwest::redirect::Policy;
use tokio::io::AsyncWrite;

use crate::{
    Access, Reference, Transport,
    artifact::{MANIFEST, digest_of, text},
    error::{RegistryError, SILENCE, Subject},
};

/// The largest manifest that is read, in bytes. One of ours has two thousand.
const MAX_MANIFEST: u64 = 64 << 10;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// How often a registry may send us elsewhere for a manifest.
const REDIRECTS: usize = 5;

const USER_AGENT: &str = concat!("hexgate/", env!("CARGO_PKG_VERSION"));

/// A registry that has been asked who may do what.
pub(crate) struct Connection<'a> {
    pub(crate) client: Client,
    pub(crate) subject: Subject,
    reference: &'a Reference,
    access: &'a Access,
    token: Option<String>,
}

/// Runs a conversation to its end, or until its time is over.
pub(crate) fn converse<T, E: From<RegistryError>>(
    reference: &Reference,
    access: &Access,
    operation: RegistryOperation,
    conversation: impl AsyncFnOnce(&Connection<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| RegistryError::Host(error.to_string()))?;
    let subject = Subject {
        registry: reference.registry().to_owned(),
        reference: reference.to_string(),
        timeout: access.timeout,
    };
    let talk = async {
        let connection = Connection::open(reference, access, operation, subject.clone()).await?;
        conversation(&connection).await
    };
    let result = runtime.block_on(async { tokio::time::timeout(access.timeout, talk).await });
    // A name that is still being looked up does not keep us.
    runtime.shutdown_background();
    result.unwrap_or_else(|_| Err(subject.timed_out().into()))
}

impl<'a> Connection<'a> {
    async fn open(
        reference: &'a Reference,
        access: &'a Access,
        operation: RegistryOperation,
        subject: Subject,
    ) -> Result<Self, RegistryError> {
        let config = ClientConfig {
            protocol: match access.transport {
                Transport::Tls => ClientProtocol::Https,
                Transport::Plain => ClientProtocol::Http,
            },
            read_timeout: Some(SILENCE),
            connect_timeout: Some(CONNECT),
            user_agent: USER_AGENT,
            ..ClientConfig::default()
        };
        let client =
            Client::try_from(config).map_err(|error| RegistryError::Host(error.to_string()))?;
        let token = client
            .auth(reference.inner(), &access.credentials.0, operation)
            .await
            .map_err(|error| subject.library("token", "", error))?;
        Ok(Self {
            client,
            subject,
            reference,
            access,
            token,
        })
    }

    /// The manifest that the reference names, and its digest. Asked for here, since the library reads manifests of any length.
    pub(crate) async fn manifest(&self) -> Result<(Vec<u8>, Digest), RegistryError> {
        let scheme = match self.access.transport {
            Transport::Tls => "https",
            Transport::Plain => "http",
        };
        let inner = self.reference.inner();
        let version = inner.digest().or(inner.tag()).unwrap_or_default();
        let url = format!(
            "{scheme}://{}/v2/{}/manifests/{version}",
            inner.resolve_registry(),
            inner.repository()
        );
        let plain = self.access.transport == Transport::Plain;
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .https_only(!plain)
            .redirect(Policy::limited(REDIRECTS))
            .build()
            .map_err(|error| RegistryError::Host(error.to_string()))?;
        let request = client.get(url).header("Accept", MANIFEST);
        let request = match (&self.token, &self.access.credentials.0) {
            (Some(token), _) | (None, RegistryAuth::Bearer(token)) => request.bearer_auth(token),
            (None, RegistryAuth::Basic(user, password)) => request.basic_auth(user, Some(password)),
            (None, RegistryAuth::Anonymous) => request,
        };
        let failed = |error: reqwest::Error| self.subject.request(&error);
        let mut response = request.send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(self.subject.status(response.status().as_u16(), ""));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if (bytes.len() + chunk.len()) as u64 > MAX_MANIFEST {
                return Err(self.too_large("manifest", MAX_MANIFEST));
            }
            bytes.extend_from_slice(&chunk);
        }
        let digest = Digest::of(&bytes);
        match inner.digest() {
            Some(pinned) if digest_of(pinned) != Some(digest) => Err(RegistryError::Digest {
                reference: self.subject.reference.clone(),
                what: "manifest",
                digest: pinned.to_owned(),
            }),
            _ => Ok((bytes, digest)),
        }
    }

    /// The blob with a digest, of at most `limit` bytes.
    pub(crate) async fn blob(
        &self,
        what: &'static str,
        digest: Digest,
        limit: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        let digest = text(digest);
        let layer = OciDescriptor {
            digest: digest.clone(),
            ..OciDescriptor::default()
        };
        let mut out = Bounded {
            bytes: Vec::new(),
            limit,
            exceeded: false,
        };
        let pulled = self
            .client
            .pull_blob(self.reference.inner(), &layer, &mut out)
            .await;
        if out.exceeded {
            return Err(self.too_large(what, limit));
        }
        pulled.map_err(|error| self.subject.library(what, &digest, error))?;
        Ok(out.bytes)
    }

    pub(crate) fn too_large(&self, what: &'static str, limit: u64) -> RegistryError {
        RegistryError::TooLarge {
            reference: self.subject.reference.clone(),
            what,
            limit,
        }
    }
}

/// Bytes in memory, up to a limit.
struct Bounded {
    bytes: Vec<u8>,
    limit: u64,
    exceeded: bool,
}

impl AsyncWrite for Bounded {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if (this.bytes.len() + bytes.len()) as u64 > this.limit {
            this.exceeded = true;
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        this.bytes.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
