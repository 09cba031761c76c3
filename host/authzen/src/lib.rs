//! A decision point over HTTP: the Authorization API 1.0 of OpenID AuthZEN in front of an [`Enforcer`](hexgate_enforce::Enforcer), and requests
//! for access that become approvals.
//!
//! Bodies are read and written by the crate `hexgate-http`, which is also the component for edge runtimes: both say the same. What is here is
//! what only a host has: a live policy, a record of every decision, a way to know who asks, and a database of approvals.
//!
//! ```no_run
//! use hexgate_authzen::{Clients, Point};
//! use hexgate_enforce::{Enforcer, LivePolicy, source::PolicyFile};
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let live = LivePolicy::open(&hexgate_enforce::host::Engine::new()?, PolicyFile::dangerous_unsigned("policy.yaml"))?;
//! let enforcer = Enforcer::builder("shop", &live).build()?;
//! let point = Point::builder(enforcer).clients(Clients::from_file("clients.json")?).build()?;
//! let listener = point.bind("127.0.0.1:8180".parse()?).await?;
//! point.serve(listener).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | module | what happens there |
//! |---|---|
//! | `clients` | who may ask: enforcement points, by their tokens |
//! | `asked` | a call as the enforcer is asked about it, and what an approval of it is bound to |
//! | `answer` | what the enforcer decided, as it is written |
//! | `access` | denials that can be requested, the requests, and what becomes of them |
//! | `point` | what is asked for, and who answers it |
//! | `web` | requests and responses of HTTP |
//! | `log`, `program` | a decision point as a program |
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod access;
mod answer;
mod asked;
mod clients;
mod log;
mod point;
mod program;
mod web;

pub use clients::{Authenticate, Bearer, Clients, ClientsError, Unauthenticated, bearer};
pub use log::{Warnings, say};
pub use point::{Point, PointBuilder, PointError};
pub use program::{Config, OpenError, RunError, run, serve_at, told_to_stop};
pub use web::ServeError;
