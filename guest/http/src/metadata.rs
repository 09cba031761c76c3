//! What a decision point says of itself: `GET /.well-known/authzen-configuration`.

use alloc::{format, string::String};

use crate::{json, problem::Problem};

/// Where the metadata is.
pub const METADATA: &str = "/.well-known/authzen-configuration";
/// Where access is requested.
pub const REQUESTS: &str = "/access/v1/requests";

/// The longest name of a host, with a port.
const MAX_AUTHORITY: usize = 255;

/// The document of the decision point at this address, which has no slash at its end. `requests`: denials can be requested there.
pub(crate) fn document(base: &str, requests: bool) -> String {
    let mut object = json::Object::new();
    object.text("policy_decision_point", base);
    for (name, path) in [
        ("access_evaluation_endpoint", "/access/v1/evaluation"),
        ("access_evaluations_endpoint", "/access/v1/evaluations"),
    ] {
        object.text(name, &format!("{base}{path}"));
    }
    if requests {
        object.text("access_request_endpoint", &format!("{base}{REQUESTS}"));
        object.texts(
            "capabilities",
            &["urn:openid:authzen:capability:access-request"],
        );
    }
    object.finish()
}

/// The address of a decision point that is asked for under this name. The standard has `https` alone.
///
/// A client compares it with the address that it asked, so that it learns nothing from a name that another one chose. No cache may keep the
/// answer, and nothing but a name and a port becomes part of it.
///
/// # Errors
/// It is no name of a host.
pub fn base_of(authority: Option<&str>) -> Result<String, Problem> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    match authority {
        Some(name) if (1..=MAX_AUTHORITY).contains(&name.len()) && name.bytes().all(is_plain) => {
            Ok(format!("https://{name}"))
        }
        _ => Err(Problem::bad(
            "the request does not name the host that it is for, or not with letters, digits, `.`, `-` and a port alone",
        )),
    }
}
