//! The component, ready to be instantiated for a request.

use std::{convert::Infallible, sync::Arc, thread, time::Duration};

use clap::Args;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Incoming};
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinSet,
    time::{Instant, timeout_at},
};
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

/// How often a running guest yields, so that its request can be given up.
const TICK: Duration = Duration::from_millis(10);

/// What a request may cost at most.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Limits {
    /// How long a request may take, from the end of its head to the end of its answer: a slower client, and a policy that computes longer,
    /// is given up. A head may take as long
    #[arg(
        long = "deadline",
        value_name = "SECONDS",
        default_value = "10",
        value_parser = seconds
    )]
    pub(crate) deadline: Duration,

    /// The most memory of a component's module; the handler and the policy are modules of their own. The default is room for the
    /// longest body, read, and for the longest arguments
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20, value_parser = clap::value_parser!(u32).range(1 << 20..=1 << 30))]
    pub(crate) memory_bytes: u32,

    /// How many requests are answered at once; more wait until the deadline
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) requests: u32,
}

/// A whole number of seconds, up to an hour.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err("expected a number of seconds from 1 to 3600".to_owned()),
    }
}

/// Why a component gave no answer.
#[derive(Debug)]
enum Failure {
    /// As many requests as may be are being answered.
    Busy,
    /// The deadline passed.
    Late,
    /// The component trapped, used up its memory, or returned without an answer; or the machine is at fault.
    Broken(wasmtime::Error),
}

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Self {
        Self::Broken(error)
    }
}

pub(crate) struct Runtime {
    component: ProxyPre<State>,
    limits: Limits,
    slots: Arc<Semaphore>,
}

impl Runtime {
    /// Compiles a component.
    pub(crate) fn new(component: &[u8], limits: Limits) -> Result<Self> {
        let mut pool = PoolingAllocationConfig::default();
        // The handler's memory and the policy's, and some more in case the policy is of several modules.
        pool.total_component_instances(limits.requests)
            .total_core_instances(limits.requests * 8)
            .total_memories(limits.requests * 4)
            .total_tables(limits.requests * 8)
            .max_memory_size(limits.memory_bytes as usize);
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
        Ok(Self {
            component: ProxyPre::new(ready).context("not a handler of `wasi:http`")?,
            limits,
            slots: Arc::new(Semaphore::new(limits.requests as usize)),
        })
    }

    /// Answers a request.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<HyperOutgoingBody>, Infallible> {
        Ok(self.ask(request).await.unwrap_or_else(|failure| {
            let (status, detail) = match failure {
                Failure::Busy => (503, "too many requests at once: ask again"),
                Failure::Late => (500, "the decision point gave no answer within its deadline"),
                Failure::Broken(error) => {
                    eprintln!("error: {error:#}");
                    (500, "the decision point failed")
                }
            };
            problem(status, detail)
        }))
    }

    async fn ask(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<HyperOutgoingBody>, Failure> {
        let deadline = Instant::now() + self.limits.deadline;
        let Ok(Ok(slot)) = timeout_at(deadline, self.slots.clone().acquire_owned()).await else {
            return Err(Failure::Busy);
        };
        let memory = self.limits.memory_bytes as usize;
        let mut store = Store::new(self.component.engine(), State::new(memory));
        store.limiter(|state| &mut state.limits);
        store.epoch_deadline_async_yield_and_update(1);
        let (sender, receiver) = oneshot::channel();
        let mut http = store.data_mut().http();
        let request = http
            .new_incoming_request(Scheme::Http, request)
            .map_err(wasmtime::Error::from)?;
        let out = http
            .new_response_outparam(sender)
            .map_err(wasmtime::Error::from)?;
        let ready = self.component.clone();
        // The rest of the body is written after the head was sent, so the guest has a task of its own. It ends with this one, when the
        // client is gone, and at the deadline even in a loop: each tick it yields.
        let mut guest = JoinSet::new();
        guest.spawn(async move {
            let _slot = slot;
            let run = async {
                let handler = ready.instantiate_async(&mut store).await?;
                handler
                    .wasi_http_incoming_handler()
                    .call_handle(store, request, out)
                    .await
            };
            timeout_at(deadline, run).await
        });
        if let Ok(response) = receiver.await {
            guest.detach_all();
            return response.map_err(|code| Failure::Broken(code.into()));
        }
        match guest.join_next().await {
            Some(Ok(Err(_))) => Err(Failure::Late),
            Some(Ok(Ok(Err(error)))) => Err(error.context("the component failed").into()),
            Some(Ok(Ok(Ok(())))) => Err(format_err!("the component gave no answer").into()),
            Some(Err(error)) => Err(wasmtime::Error::from(error).into()),
            None => Err(format_err!("the component was not run").into()),
        }
    }
}

/// The response if the component gives none.
fn problem(status: u16, detail: &str) -> Response<HyperOutgoingBody> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let document = format!(
        r#"{{"type":"about:blank","title":"{}","status":{},"detail":"{detail}"}}"#,
        status.canonical_reason().unwrap_or_default(),
        status.as_u16(),
    );
    let body = Full::new(document.into())
        .map_err(|never: Infallible| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let content_type = hyper::header::HeaderValue::from_static("application/problem+json");
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, content_type);
    response
}

/// The state of an instance.
struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    hooks: NoNetwork,
    limits: StoreLimits,
}

impl State {
    fn new(memory: usize) -> Self {
        Self {
            table: ResourceTable::new(),
            http: WasiHttpCtx::new(),
            hooks: NoNetwork,
            limits: StoreLimitsBuilder::new().memory_size(memory).build(),
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

/// A decision point makes no requests.
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
