//! Arguments of Python as the text that is decided.
//!
//! Nothing is changed on the way: what JSON cannot say is refused by the place where it stands, and a text is taken as the JSON that it is. No code of
//! the arguments runs: of a subclass counts what the interpreter itself keeps.

use hexgate_enforce::host::contract::Limits;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::fault::Fault;

/// Deeper than any policy reads (64), so that what is too deep is said by the policy where it can.
const MAX_DEPTH: usize = 100;

/// Lists that hold one another stand for more values than memory has. While they are written nothing else runs in Python.
const MAX_VALUES: usize = 1_000_000;

/// How much of a key is shown.
const SHOWN: usize = 60;

/// The arguments as text. A text is JSON already.
pub(crate) fn text_of(arguments: &Bound<'_, PyAny>) -> Result<String, Fault> {
    if let Ok(text) = arguments.cast::<PyString>() {
        return text
            .to_str()
            .map(str::to_owned)
            .map_err(|_| refused("$", "is a text with a lone surrogate, which is no Unicode"));
    }
    let mut writer = Writer {
        text: String::with_capacity(128),
        place: Vec::new(),
        values: 0,
    };
    writer.value(arguments)?;
    Ok(writer.text)
}

/// The arguments as the JSON text that is decided.
#[pyfunction]
pub(crate) fn encode(arguments: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(text_of(arguments)?)
}

struct Writer {
    text: String,
    place: Vec<Step>,
    values: usize,
}

enum Step {
    Member(String),
    Element(usize),
}

impl Writer {
    fn value(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Fault> {
        if self.place.len() > MAX_DEPTH {
            return Err(
                self.refuse("lies deeper than 100 levels: recursive, or no arguments of a tool")
            );
        }
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(refused("$", "has more than 1,000,000 values"));
        }
        if self.text.len() > Limits::MAX_BYTES as usize {
            return Err(refused(
                "$",
                "is longer than 16 MiB as JSON, more than any policy reads",
            ));
        }
        if value.is_none() {
            self.text.push_str("null");
        } else if let Ok(flag) = value.cast::<PyBool>() {
            self.text
                .push_str(if flag.is_true() { "true" } else { "false" });
        } else if let Ok(text) = value.cast::<PyString>() {
            self.string(text)?;
        } else if let Ok(number) = value.cast::<PyInt>() {
            self.integer(number)?;
        } else if let Ok(number) = value.cast::<PyFloat>() {
            let number = number.value();
            if !number.is_finite() {
                return Err(self.refuse("is not a finite number, which JSON does not have"));
            }
            let written = serde_json::to_string(&number)
                .map_err(|_| self.refuse("is a number that cannot be written"))?;
            self.text.push_str(&written);
        } else if let Ok(members) = value.cast::<PyDict>() {
            self.object(members)?;
        } else if let Ok(list) = value.cast::<PyList>() {
            self.array(list.iter())?;
        } else if let Ok(list) = value.cast::<PyTuple>() {
            self.array(list.iter())?;
        } else {
            let name = value
                .get_type()
                .fully_qualified_name()
                .map_or_else(|_| "of an unknown type".to_owned(), |name| name.to_string());
            return Err(self.refuse(&format!(
                "is a `{name}`, which JSON does not have: pass the text or the number that the tool takes"
            )));
        }
        Ok(())
    }

    fn string(&mut self, text: &Bound<'_, PyString>) -> Result<(), Fault> {
        let Ok(text) = text.to_str() else {
            return Err(self.refuse("is a text with a lone surrogate, which is no Unicode"));
        };
        let written = serde_json::to_string(text)
            .map_err(|_| self.refuse("is a text that cannot be written"))?;
        self.text.push_str(&written);
        Ok(())
    }

    fn integer(&mut self, number: &Bound<'_, PyInt>) -> Result<(), Fault> {
        if let Ok(small) = number.extract::<i64>() {
            self.text.push_str(&small.to_string());
            return Ok(());
        }
        // Of the interpreter's own: a subclass could write another number than it is.
        let written = number
            .py()
            .get_type::<PyInt>()
            .call_method1("__repr__", (number,))
            .and_then(|written| written.extract::<String>());
        match written {
            Ok(written) => {
                self.text.push_str(&written);
                Ok(())
            }
            // Python bounds the digits that it writes.
            Err(_) => Err(self.refuse("is an integer with too many digits")),
        }
    }

    fn object(&mut self, members: &Bound<'_, PyDict>) -> Result<(), Fault> {
        self.text.push('{');
        // A copy of the list of members: another thread could change the object meanwhile.
        for (index, member) in members.items().iter().enumerate() {
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = member
                .extract()
                .map_err(|_| self.refuse("has a member that is none"))?;
            if index > 0 {
                self.text.push(',');
            }
            let Ok(key) = key.cast::<PyString>() else {
                return Err(self.refuse("has a key that is no text"));
            };
            let name = key.to_string_lossy();
            self.place.push(Step::Member(name.into_owned()));
            self.string(key)?;
            self.text.push(':');
            self.value(&value)?;
            self.place.pop();
        }
        self.text.push('}');
        Ok(())
    }

    fn array<'py>(
        &mut self,
        elements: impl Iterator<Item = Bound<'py, PyAny>>,
    ) -> Result<(), Fault> {
        self.text.push('[');
        for (index, element) in elements.enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.place.push(Step::Element(index));
            self.value(&element)?;
            self.place.pop();
        }
        self.text.push(']');
        Ok(())
    }

    fn refuse(&self, what: &str) -> Fault {
        let mut place = "$".to_owned();
        for step in self.place.iter().take(8) {
            match step {
                Step::Member(name) => {
                    place.push('.');
                    place.push_str(&hexgate_base::shortened(name, SHOWN));
                }
                Step::Element(index) => place.push_str(&format!("[{index}]")),
            }
        }
        if self.place.len() > 8 {
            place.push('…');
        }
        refused(&place, what)
    }
}

fn refused(place: &str, what: &str) -> Fault {
    Fault::new(
        "ArgumentsError",
        "arguments",
        format!("the arguments are no JSON: `{place}` {what}"),
        "pass an object of texts, finite numbers, truth values, lists and objects",
    )
}
