//! The configuration of the gateway: reading ends, gives the same each time, and opens nothing that the text does not open.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use mcp::config::{Config, Passing};
use mcp::pins::FirstUse;
use mcp::{identity, limits, names, pins, visible};

/// The reader alone. Its package brings the runtime of policies along.
#[path = "../../../host/mcp/src"]
#[allow(dead_code, unused_imports, reason = "the gateway around it is missing")]
mod mcp {
    pub mod config;
    pub mod identity {
        pub mod config;
        pub use config::IdentityConfig;
    }
    pub mod limits;
    pub mod names;
    pub mod pins;
    pub mod visible;
}

fuzz_target!(|text: &str| {
    let folder = Path::new("/etc/hexgate");
    let read = Config::from_text(text, folder);
    let again = Config::from_text(text, folder);
    let (Ok(config), Ok(again)) = (&read, &again) else {
        assert!(read.is_err() && again.is_err());
        return;
    };
    assert_eq!(format!("{config:?}"), format!("{again:?}"));
    assert!(!config.servers.is_empty(), "a gateway for nothing");
    assert!(config.check().is_ok(), "{config:?}");
    let offers = config.servers.values().map(|server| config.offer_of(server));
    for offer in offers {
        let all = [
            offer.prompts,
            offer.resources,
            offer.completions,
            offer.subscriptions,
            offer.sampling,
            offer.elicitation,
            offer.tasks,
        ];
        assert!(!all.contains(&Passing::Pass) || text.contains("pass"));
    }
    assert!(config.first_use == FirstUse::Refuse || text.contains("accept"));
});
