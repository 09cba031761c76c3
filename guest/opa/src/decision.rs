//! `hexgate:policy/decision`.
#![allow(
    unsafe_code,
    reason = "an export carries a name that only the linker checks"
)]

use hexgate_contract::{Request, Verdict};
use hexgate_eval::{Error, Plan};
use hexgate_exports::{
    memory,
    request::{self, Answered},
};

use crate::{foreign, own};

hexgate_exports::export_decide!(answered);

fn answered(request: &Request<'_>) -> Answered {
    let (verdict, kept) = evaluate(request);
    (verdict, kept, kept)
}

/// The verdict, and where in the arena its own texts begin. All that lies before them is wiped.
fn evaluate(request: &Request<'_>) -> (Result<Verdict, Error>, usize) {
    let judged = match prepared(request) {
        Ok(plan) if plan.is_opaque() == Ok(false) => {
            own::judge(&plan, request).map(|judgement| Judged::Own(plan, judgement))
        }
        Ok(plan) => foreign::judge(&plan, request).map(Judged::Foreign),
        Err(error) => Err(error),
    };
    // What was read and worked out lies before this, the texts that the host reads behind it.
    let kept = memory::next();
    let verdict = judged.and_then(|judged| match judged {
        Judged::Own(plan, judgement) => judgement.verdict(&plan, request),
        Judged::Foreign(judgement) => Ok(judgement.verdict(request)),
    });
    (verdict, kept)
}

enum Judged {
    Own(Plan<'static>, own::Judgement),
    Foreign(foreign::Judgement),
}

/// The plan, once the reader and the limits of the native engine have accepted the request.
fn prepared(request: &Request<'_>) -> Result<Plan<'static>, Error> {
    let plan = Plan::open(memory::plan())?;
    let (mut scratch, _) =
        request::scratch(&plan, request).ok_or(Error::Internal("not enough memory"))?;
    hexgate_eval::check(&plan, request, &mut scratch)?;
    Ok(plan)
}
