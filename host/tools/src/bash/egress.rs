//! The network of a command: the proxy, and nothing else.

use std::any::Any;
use std::io;

use hexgate_enforce::{Caller, Enforcer};
use hexgate_sandbox::Network;
use hexgate_sandbox::proxy::Proxy;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// A network that leads through a proxy, which decides for `caller`. To be called in the runtime of tokio.
pub(super) fn through(enforcer: &Enforcer, caller: &Caller) -> Network {
    let proxy = Proxy::builder(enforcer.clone(), caller.clone()).build();
    let runtime = Handle::current();
    Network::through(move |listener| -> io::Result<Box<dyn Any + Send>> {
        listener.set_nonblocking(true)?;
        let _inside = runtime.enter();
        let listener = TcpListener::from_std(listener)?;
        let serving = runtime.spawn(async move {
            proxy.serve(listener).await;
        });
        Ok(Box::new(Serving(serving)))
    })
}

/// The proxy of one command. It ends with the command, and all of its connections with it.
struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}
