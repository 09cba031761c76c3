//! Requests and responses of `wasi:http`, and the policy that the handler is composed with.

#[allow(
    unsafe_code,
    missing_docs,
    unused_qualifications,
    missing_debug_implementations,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated: the canonical ABI passes addresses"
)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/policy", "wit"],
        world: "hexgate:http/handler",
        generate_all,
    });
    export!(Handler with_types_in self);
    use super::Handler;
}

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bindings::{
    exports::wasi::http::incoming_handler::Guest,
    hexgate::policy::{decision, description},
    wasi::{
        http::types::{
            Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
        },
        io::streams::{InputStream, StreamError},
    },
};
use hexgate_contract::{
    ApprovalTerms, Denial, Error, Exceeded, Exclusion, Field, FileScope, Grant, Malformed,
    NeededApproval, PathScope, PathStyle, Request, Verdict,
};

use crate::{
    answer::Policy,
    problem::Problem,
    respond::{MAX_BODY, Received, Response, respond},
};

/// An instance serves many requests on some runtimes, so what a request used is given back.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// Whether a request is being answered, or one was that the policy could not answer. If so when another begins, a runtime uses an
/// instance again that ended in a trap, or that holds a policy which broke the contract: it is not trusted.
static BUSY: AtomicBool = AtomicBool::new(false);

/// How many bytes are read at once, and the most that may be written at once.
const READ: u64 = 64 << 10;
const WRITE: usize = 4096;

struct Handler;

impl Guest for Handler {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let headers = request.headers();
        let one = |name: &str| headers.get(name);
        let ids = one("x-request-id");
        if BUSY.swap(true, Relaxed) {
            let problem = Problem::new(
                500,
                "an earlier request broke this instance: start it again",
            );
            let response = problem.into();
            return send(&response, &ids, out);
        }
        let method = match request.method() {
            Method::Post => "POST",
            Method::Get => "GET",
            _ => "another",
        };
        let path = request.path_with_query().unwrap_or_default();
        let content_types = one("content-type");
        let content_types: Vec<&[u8]> = content_types.iter().map(Vec::as_slice).collect();
        // Some runtimes tell the authority, some leave the header. Two of them, or different ones, name no host.
        let hosts = one("host");
        let header = match hosts.as_slice() {
            [host] => core::str::from_utf8(host).ok(),
            _ => None,
        };
        let told = request.authority();
        let authority = match (told.as_deref(), header) {
            (Some(told), Some(header)) if told != header => None,
            _ if hosts.len() > 1 => None,
            (told, header) => told.or(header),
        };
        let received = Received {
            method,
            path: &path,
            authority,
            content_types: &content_types,
            encoded: !one("content-encoding").is_empty(),
        };
        let declared = match one("content-length").as_slice() {
            [length] => core::str::from_utf8(length)
                .ok()
                .and_then(|length| length.parse::<usize>().ok()),
            _ => None,
        };
        let read = || {
            if declared.is_some_and(|length| length > MAX_BODY) {
                return Err(413);
            }
            let bytes = body(&request)?;
            match declared {
                Some(length) if length != bytes.len() => Err(400),
                _ => Ok(bytes),
            }
        };
        let response = respond(&received, read, &mut Composed);
        send(&response, &ids, out);
        if response.status < 500 {
            BUSY.store(false, Relaxed);
        }
    }
}

/// The whole body, or the status that says why not.
fn body(request: &IncomingRequest) -> Result<Vec<u8>, u16> {
    let body = request.consume().map_err(|()| 400_u16)?;
    let stream: InputStream = body.stream().map_err(|()| 400_u16)?;
    let mut all = Vec::new();
    loop {
        match stream.blocking_read(READ) {
            Ok(bytes) => {
                if all.len() + bytes.len() > MAX_BODY {
                    return Err(413);
                }
                all.extend_from_slice(&bytes);
            }
            Err(StreamError::Closed) => return Ok(all),
            Err(StreamError::LastOperationFailed(_)) => return Err(400),
        }
    }
}

fn send(response: &Response, ids: &[Vec<u8>], out: ResponseOutparam) {
    let ids: Vec<&[u8]> = ids.iter().map(Vec::as_slice).collect();
    let headers: Vec<(String, Vec<u8>)> = response
        .headers(&ids)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    // None of these can fail: the names are lower-case words, the values were headers before, nothing was sent yet. If one did, the
    // runtime finds no response and answers with a status of its own.
    let Ok(headers) = Fields::from_list(&headers) else {
        return;
    };
    let outgoing = OutgoingResponse::new(headers);
    if outgoing.set_status_code(response.status).is_err() {
        return;
    }
    let Ok(body) = outgoing.body() else { return };
    ResponseOutparam::set(out, Ok(outgoing));
    let Ok(stream) = body.write() else { return };
    for part in response.body.as_bytes().chunks(WRITE) {
        // The client is gone.
        if stream.blocking_write_and_flush(part).is_err() {
            return;
        }
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

/// The policy beside this handler.
struct Composed;

impl Policy for Composed {
    fn decide(&mut self, request: &Request<'_>) -> Result<Verdict, Error> {
        let asked = decision::Request {
            roles: request.roles.iter().map(|&role| role.to_owned()).collect(),
            tool: request.tool.to_owned(),
            arguments: request.arguments.to_owned(),
            facts: request.facts.map(str::to_owned),
        };
        let grant = |grant: decision::Grant| Grant {
            role: grant.role,
            scope: grant.scope,
        };
        match decision::decide(&asked) {
            Ok(decision::Verdict::Deny(denial)) => Ok(Verdict::Deny(Denial {
                reason: denial.reason,
                violations: denial.violations,
                hint: denial.hint.map(paths),
                message: denial.message,
            })),
            Ok(decision::Verdict::NeedsApproval(needed)) => {
                Ok(Verdict::NeedsApproval(NeededApproval {
                    grant: grant(needed.grant),
                    terms: needed.terms,
                    message: needed.message,
                }))
            }
            Ok(decision::Verdict::Allow(granted)) => Ok(Verdict::Allow(grant(granted))),
            Err(error) => Err(failure(error)),
        }
    }

    fn scope(&mut self, id: u32) -> Option<FileScope> {
        description::scope(id).map(|scope| FileScope {
            arguments: scope.arguments,
            search: scope.search,
            paths: paths(scope.paths),
            style: style(scope.style),
            exclusions: scope
                .exclusions
                .into_iter()
                .map(|exclusion| Exclusion {
                    paths: paths(exclusion.paths),
                    style: style(exclusion.style),
                })
                .collect(),
        })
    }

    fn terms(&mut self, id: u32) -> Option<ApprovalTerms> {
        description::terms(id).map(|terms| ApprovalTerms {
            roles: terms.roles,
            expires: terms.expires,
            approvers: terms.approvers,
            reason_required: terms.reason_required,
        })
    }
}

fn style(style: description::PathStyle) -> PathStyle {
    match style {
        description::PathStyle::Posix => PathStyle::Posix,
        description::PathStyle::Windows => PathStyle::Windows,
    }
}

fn failure(error: decision::Error) -> Error {
    match error {
        decision::Error::Malformed(it) => Error::Malformed(Malformed {
            field: match it.field {
                decision::Field::Roles => Field::Roles,
                decision::Field::Tool => Field::Tool,
                decision::Field::Arguments => Field::Arguments,
                decision::Field::Facts => Field::Facts,
            },
            offset: it.offset,
            reason: it.reason,
        }),
        decision::Error::Exceeded(it) => Error::Exceeded(Exceeded {
            limit: it.limit,
            allowed: it.allowed,
        }),
        decision::Error::Internal(what) => Error::Internal(what),
    }
}

fn paths(paths: decision::PathScope) -> PathScope {
    PathScope {
        allowed: paths.allowed,
        denied: paths.denied,
        except: paths.except,
    }
}
