//! The component, ready to be instantiated for a request.

use std::{convert::Infallible, thread, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Incoming};
use tokio::{sync::oneshot, time::timeout};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result, Store,
    StoreLimits, StoreLimitsBuilder,
    component::{Component, Linker, ResourceTable},
    error::Context,
    format_err,
};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
    WasiHttpView,
    p2::{
        bindings::{
            LinkOptions, ProxyPre,
            http::types::{self, Scheme},
        },
        body::HyperOutgoingBody,
    },
};
use wasmtime_wasi_io::IoView;

/// From the first byte of the head to the response. Whoever sends slower is no agent.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a running guest lets others run, and its request be given up.
const TICK: Duration = Duration::from_millis(10);
/// The memory of an instance: the longest body, read, several times over.
const MEMORY: usize = 128 << 20;
/// How many requests are answered at once.
const INSTANCES: u32 = 256;

pub(crate) struct Runtime(ProxyPre<State>);

impl Runtime {
    /// Compiles a component.
    pub(crate) fn new(component: &[u8]) -> Result<Self> {
        let mut pool = PoolingAllocationConfig::default();
        // The handler's memory and the policy's, and some more in case the policy is of several modules.
        pool.total_component_instances(INSTANCES)
            .total_core_instances(INSTANCES * 8)
            .total_memories(INSTANCES * 4)
            .total_tables(INSTANCES * 8)
            .max_memory_size(MEMORY);
        let mut config = Config::new();
        config
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
            .epoch_interruption(true);
        let engine = Engine::new(&config)?;
        let component = Component::new(&engine, component).context("not a component")?;
        let mut linker: Linker<State> = Linker::new(&engine);
        wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
        let options = LinkOptions::default();
        types::add_to_linker::<_, WasiHttp>(&mut linker, &options.into(), State::http)?;
        let ready = linker
            .instantiate_pre(&component)
            .context("the component wants more than a decision point needs")?;
        let clock = engine.clone();
        thread::spawn(move || {
            loop {
                thread::sleep(TICK);
                clock.increment_epoch();
            }
        });
        Ok(Self(
            ProxyPre::new(ready).context("not a handler of `wasi:http`")?,
        ))
    }

    /// Answers a request.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<HyperOutgoingBody>, Infallible> {
        let answered = match timeout(PATIENCE, self.ask(request)).await {
            Ok(answered) => answered,
            Err(_) => Err(format_err!("no answer within {PATIENCE:?}")),
        };
        Ok(answered.unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            broken()
        }))
    }

    async fn ask(&self, request: Request<Incoming>) -> Result<Response<HyperOutgoingBody>> {
        let mut store = Store::new(self.0.engine(), State::new());
        store.limiter(|state| &mut state.limits);
        store.epoch_deadline_async_yield_and_update(1);
        let (sender, receiver) = oneshot::channel();
        let mut http = store.data_mut().http();
        let request = http.new_incoming_request(Scheme::Http, request)?;
        let out = http.new_response_outparam(sender)?;
        let ready = self.0.clone();
        // The rest of the body is written after the head was sent, so the guest has a task of its own.
        let guest = tokio::spawn(async move {
            let handler = ready.instantiate_async(&mut store).await?;
            handler
                .wasi_http_incoming_handler()
                .call_handle(store, request, out)
                .await
        });
        match receiver.await {
            Ok(response) => Ok(response?),
            Err(_) => match guest.await? {
                Ok(()) => Err(format_err!("the component gave no answer")),
                Err(error) => Err(error.context("the component failed")),
            },
        }
    }
}

/// What is answered for a component that does not.
fn broken() -> Response<HyperOutgoingBody> {
    let document = r#"{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"the decision point failed"}"#;
    let body = Full::new(document.into())
        .map_err(|never: Infallible| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let content_type = hyper::header::HeaderValue::from_static("application/problem+json");
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, content_type);
    response
}

/// What an instance holds on to.
struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    hooks: NoNetwork,
    limits: StoreLimits,
}

impl State {
    fn new() -> Self {
        Self {
            table: ResourceTable::new(),
            http: WasiHttpCtx::new(),
            hooks: NoNetwork,
            limits: StoreLimitsBuilder::new().memory_size(MEMORY).build(),
        }
    }
}

impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
        }
    }
}

/// A decision point asks nobody.
struct NoNetwork;

impl WasiHttpHooks for NoNetwork {
    fn send_request(
        &mut self,
        _: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}

/// A response, and what happens to the connection after it.
type Sent = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);
