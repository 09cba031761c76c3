//! One bounded conversation with a registry.
//!
//! Requests are made here, and not by the library that has the types of manifests: that sends credentials wherever a registry says, with or
//! without TLS, and reads answers of any length.

use std::time::Duration;

use hexgate_bundle::Digest;
use oci_client::{RegistryOperation, secrets::RegistryAuth};
use reqwest::{
    Client, Method, RequestBuilder, Response, Url,
    header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, LOCATION},
    redirect::Policy,
};

use crate::{
    Access, Reference, Transport,
    artifact::{MANIFEST, digest_of, text},
    authorization::authorize,
    error::{RegistryError, SILENCE, Subject},
};

/// The largest manifest that is read, in bytes. One of ours has two thousand.
const MAX_MANIFEST: u64 = 64 << 10;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How many redirects are followed.
const REDIRECTS: usize = 5;

const USER_AGENT: &str = concat!("hexgate/", env!("CARGO_PKG_VERSION"));

/// A registry after authorization.
pub(crate) struct Connection<'a> {
    pub(crate) subject: Subject,
    reference: &'a Reference,
    http: Client,
    /// The address of the repository.
    base: Url,
    authorization: RegistryAuth,
}

/// Runs a conversation until it ends or its time is over.
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
    // Do not wait for a thread that still resolves a name.
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
        let is_plain = access.transport == Transport::Plain;
        let host = |error: &dyn std::fmt::Display| RegistryError::Host(error.to_string());
        let mut http = Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            // Follow redirects anywhere: credentials do not go along to another host.
            .https_only(!is_plain)
            .redirect(Policy::limited(REDIRECTS));
        if is_plain && reference.is_loopback() {
            // Plain HTTP through a proxy would leave this machine.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| host(&error))?;
        let inner = reference.inner();
        let scheme = if is_plain { "http" } else { "https" };
        let root = format!("{scheme}://{}/v2/", inner.resolve_registry());
        let root = Url::parse(&root).map_err(|error| host(&error))?;
        let base = root
            .join(&format!("{}/", inner.repository()))
            .map_err(|error| host(&error))?;
        let scope = match operation {
            RegistryOperation::Pull => format!("repository:{}:pull", inner.repository()),
            RegistryOperation::Push => format!("repository:{}:pull,push", inner.repository()),
        };
        let authorization = authorize(&http, &root, access, &scope, &subject).await?;
        Ok(Self {
            subject,
            reference,
            http,
            base,
            authorization,
        })
    }

    /// The manifest that the reference names, and its digest.
    pub(crate) async fn manifest(&self) -> Result<(Vec<u8>, Digest), RegistryError> {
        let inner = self.reference.inner();
        let version = inner.digest().or(inner.tag()).unwrap_or_default();
        let url = self.at(&format!("manifests/{version}"))?;
        let request = self.request(Method::GET, url).header(ACCEPT, MANIFEST);
        let response = self.successful(request).await?;
        let bytes = self
            .subject
            .body(response, MAX_MANIFEST)
            .await?
            .ok_or_else(|| self.too_large("manifest", MAX_MANIFEST))?;
        let digest = Digest::of(&bytes);
        match inner.digest() {
            // A tag has no digest to compare; the bundle's signature protects it.
            Some(pinned) if digest_of(pinned) != Some(digest) => {
                Err(self.another("manifest", pinned.to_owned()))
            }
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
        let request = self.request(Method::GET, self.blob_at(digest)?);
        let response = self.successful(request).await?;
        let bytes = self
            .subject
            .body(response, limit)
            .await?
            .ok_or_else(|| self.too_large(what, limit))?;
        if Digest::of(&bytes) == digest {
            Ok(bytes)
        } else {
            Err(self.another(what, text(digest)))
        }
    }

    /// Whether the registry has a blob.
    pub(crate) async fn has_blob(&self, digest: Digest) -> Result<bool, RegistryError> {
        let request = self.request(Method::HEAD, self.blob_at(digest)?);
        match self.successful(request).await {
            Ok(_) => Ok(true),
            Err(RegistryError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Uploads a blob.
    pub(crate) async fn push_blob(
        &self,
        digest: Digest,
        content: Vec<u8>,
    ) -> Result<(), RegistryError> {
        let url = self.at("blobs/uploads/")?;
        let request = self.request(Method::POST, url).header(CONTENT_LENGTH, 0);
        let response = self.successful(request).await?;
        let mut place = response
            .headers()
            .get(LOCATION)
            .and_then(|place| self.base.join(place.to_str().ok()?).ok())
            .ok_or_else(|| {
                self.subject
                    .failed("it does not name the place for an upload")
            })?;
        place.query_pairs_mut().append_pair("digest", &text(digest));
        let request = self
            .request(Method::PUT, place)
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(content);
        self.successful(request).await.map(|_| ())
    }

    /// Uploads a manifest under a tag.
    pub(crate) async fn push_manifest(
        &self,
        tag: &str,
        manifest: Vec<u8>,
    ) -> Result<(), RegistryError> {
        let url = self.at(&format!("manifests/{tag}"))?;
        let request = self
            .request(Method::PUT, url)
            .header(CONTENT_TYPE, MANIFEST)
            .body(manifest);
        self.successful(request).await.map(|_| ())
    }

    pub(crate) fn too_large(&self, what: &'static str, limit: u64) -> RegistryError {
        RegistryError::TooLarge {
            reference: self.subject.reference.clone(),
            what,
            limit,
        }
    }

    fn another(&self, what: &'static str, digest: String) -> RegistryError {
        RegistryError::Digest {
            reference: self.subject.reference.clone(),
            what,
            digest,
        }
    }

    fn at(&self, path: &str) -> Result<Url, RegistryError> {
        self.base
            .join(path)
            .map_err(|error| RegistryError::Host(error.to_string()))
    }

    fn blob_at(&self, digest: Digest) -> Result<Url, RegistryError> {
        self.at(&format!("blobs/{}", text(digest)))
    }

    /// A request, with credentials if it goes to the registry itself.
    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        // An upload place on another host gets no credentials.
        let is_home = url.origin() == self.base.origin();
        let request = self.http.request(method, url);
        match &self.authorization {
            RegistryAuth::Bearer(token) if is_home => request.bearer_auth(token),
            RegistryAuth::Basic(user, password) if is_home => {
                request.basic_auth(user, Some(password))
            }
            _ => request,
        }
    }

    async fn successful(&self, request: RequestBuilder) -> Result<Response, RegistryError> {
        let response = request
            .send()
            .await
            .map_err(|error| self.subject.request(&error))?;
        match response.status() {
            status if status.is_success() => Ok(response),
            status => {
                let said = self.subject.codes(response).await;
                Err(self.subject.status(status.as_u16(), &said))
            }
        }
    }
}
