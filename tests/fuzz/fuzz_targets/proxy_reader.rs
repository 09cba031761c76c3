//! What clients of the egress proxy say first: reading ends, has one result however it is cut, and a normal form is its own.
#![no_main]

use hexgate_address as address;
use hexgate_address::{Host, WebUrl};
use libfuzzer_sys::fuzz_target;
use sandbox::proxy;
use sandbox::proxy::head::{self, Head};
use sandbox::proxy::hello;

/// The readers alone. Their package brings the runtime of policies and the sandbox along.
#[path = "../../../host/sandbox/src"]
#[allow(dead_code, unused_imports, reason = "the proxy around them is missing")]
mod sandbox {
    pub mod proxy {
        pub mod head;
        pub mod hello;
        pub mod target;
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, rest)) = bytes.split_first() else {
        return;
    };
    match choice % 4 {
        0 => greeting(rest, hello::first),
        1 => greeting(rest, hello::second),
        2 => {
            let _ = hello::asks_again(rest);
            request(rest);
        }
        _ => text(&String::from_utf8_lossy(rest)),
    }
});

/// What a part of it said, all of it says.
fn greeting(bytes: &[u8], read: fn(&[u8]) -> Result<Option<hello::Hello>, hello::HelloError>) {
    let whole = read(bytes);
    for part in [
        bytes.len() / 3,
        bytes.len() / 2,
        bytes.len().saturating_sub(1),
    ] {
        let early = read(&bytes[..part]);
        assert!(
            early == Ok(None) || early == whole,
            "{early:?} and then {whole:?}"
        );
    }
}

fn request(bytes: &[u8]) {
    let Some(end) = head::end(bytes, 0) else {
        return;
    };
    for seen in [1, end / 2, end - 1] {
        assert_eq!(head::end(bytes, seen.min(end - 1)), Some(end));
    }
    let Ok(head) = Head::parse(&bytes[..end]) else {
        return;
    };
    let lengths = head.values("content-length").count() + head.values("transfer-encoding").count();
    assert!(lengths <= 1 && head.values("host").count() <= 1);
    let target = &head.target;
    assert!(
        target
            .host()
            .is_ok_and(|host| host.to_string() == target.host)
    );
    if head.is_tunnel() {
        return;
    }
    let again = WebUrl::parse(&target.url).expect("a normal form is a URL");
    assert_eq!(again.to_string(), target.url);
}

fn text(text: &str) {
    if let Ok(host) = Host::parse(text) {
        assert_eq!(Host::parse(&host.to_string()), Ok(host.clone()));
        assert_eq!(Host::parse(&host.in_url()), Ok(host));
    }
    if let Ok(url) = WebUrl::parse(text) {
        assert_eq!(WebUrl::parse(&url.to_string()), Ok(url));
    }
}
