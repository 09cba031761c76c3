//! What the user's own words name.

use hexgate_said::Said;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::fault::Fault;

/// The facts `said` of these turns of a user, as JSON.
#[pyfunction]
pub(crate) fn said(py: Python<'_>, turns: Vec<Bound<'_, PyString>>) -> PyResult<String> {
    let turns = turns
        .iter()
        .enumerate()
        .map(|(number, turn)| {
            turn.to_str().map(str::to_owned).map_err(|_| {
                Fault::new(
                    "ArgumentsError",
                    "arguments",
                    format!("turn {number} has a lone surrogate, which is no Unicode"),
                    "pass text as the user wrote it",
                )
            })
        })
        .collect::<Result<Vec<String>, Fault>>()?;
    Ok(py.detach(|| {
        let said = Said::of(turns.iter().map(String::as_str)).to_json();
        said.get().to_owned()
    }))
}
