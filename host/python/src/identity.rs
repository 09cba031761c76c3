//! On whose behalf a call is made.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hexgate_enforce::{Attribute, Caller};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyList, PyString};

use crate::fault::Fault;

/// A caller that cannot be changed.
#[pyclass(frozen, module = "hexgate_host._native")]
#[derive(Debug)]
pub(crate) struct Identity(pub(crate) Caller);

#[pymethods]
impl Identity {
    #[new]
    #[pyo3(signature = (user_id, roles, session_id=None, ttl_seconds=None, attributes=None))]
    fn new(
        user_id: String,
        roles: Vec<String>,
        session_id: Option<String>,
        ttl_seconds: Option<f64>,
        attributes: Option<BTreeMap<String, Bound<'_, PyAny>>>,
    ) -> PyResult<Self> {
        let mut builder = Caller::builder(user_id).roles(roles);
        if let Some(session) = session_id {
            builder = builder.session(session);
        }
        if let Some(seconds) = ttl_seconds {
            let lifetime = Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|lifetime| !lifetime.is_zero());
            let Some(lifetime) = lifetime else {
                return Err(Fault::new(
                    "CallerError",
                    "ttl",
                    format!("`ttl_seconds` is {seconds}"),
                    "give a number of seconds above zero, or none",
                )
                .into());
            };
            builder = builder.time_to_live(lifetime, SystemTime::now());
        }
        for (name, value) in attributes.unwrap_or_default() {
            let value = attribute(&value)?;
            builder = builder.attribute(name, value);
        }
        Ok(Self(builder.build().map_err(Fault::from)?))
    }

    #[getter]
    fn user_id(&self) -> &str {
        self.0.user_id()
    }

    #[getter]
    fn roles(&self) -> Vec<&str> {
        self.0.roles().iter().map(String::as_str).collect()
    }

    #[getter]
    fn session_id(&self) -> Option<&str> {
        self.0.session()
    }

    #[getter]
    fn attributes(&self, py: Python<'_>) -> PyResult<BTreeMap<String, Py<PyAny>>> {
        let mut all = BTreeMap::new();
        for (name, value) in self.0.attributes() {
            let value = match value {
                Attribute::Text(text) => text.into_pyobject(py)?.into_any().unbind(),
                Attribute::Integer(number) => number.into_pyobject(py)?.into_any().unbind(),
                Attribute::Flag(flag) => PyBool::new(py, *flag).to_owned().into_any().unbind(),
                Attribute::Texts(texts) => texts.into_pyobject(py)?.into_any().unbind(),
                _ => return Err(Fault::panicked("an attribute of an unknown kind").into()),
            };
            all.insert(name.clone(), value);
        }
        Ok(all)
    }

    /// Seconds since 1970, or none.
    #[getter]
    fn expires_at(&self) -> Option<f64> {
        let end = self.0.expires_at()?;
        Some(
            end.duration_since(UNIX_EPOCH)
                .map_or(0.0, |it| it.as_secs_f64()),
        )
    }

    fn __repr__(&self) -> String {
        format!("Identity({:?}, {:?})", self.0.user_id(), self.0.roles())
    }
}

/// An attribute: a text, a whole number, a truth value, or texts.
pub(crate) fn attribute(value: &Bound<'_, PyAny>) -> PyResult<Attribute> {
    if let Ok(flag) = value.cast::<PyBool>() {
        Ok(flag.is_true().into())
    } else if let Ok(text) = value.cast::<PyString>() {
        Ok(text.to_str()?.into())
    } else if value.is_instance_of::<PyInt>() {
        Ok(value.extract::<i64>()?.into())
    } else if value.is_instance_of::<PyList>() {
        Ok(value.extract::<Vec<String>>()?.into())
    } else {
        Err(PyTypeError::new_err(format!(
            "an attribute of a caller is a str, an int of 64 bits, a bool or a list of str, not {}",
            value.get_type().name()?
        )))
    }
}
