//! The compiler from end to end.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{
    diagnostic::{Diagnostic, Severity, Sink},
    document, lint,
    model::{Limits, Policy},
    resolve,
    source::{self, Input, ReadError, Sources},
};

/// What to compile for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The limits that the policy counts.
    pub limits: Limits,
    /// Whether warnings refuse the policy too.
    pub deny_warnings: bool,
}

/// Compiles policies.
#[derive(Debug, Clone, Default)]
pub struct Compiler {
    options: Options,
}

/// What came of compiling a policy.
#[derive(Debug)]
pub struct Outcome {
    /// The policy, unless it is refused.
    pub policy: Option<Compiled>,
    /// Errors, warnings and notes, by file and position.
    pub diagnostics: Vec<Diagnostic>,
    /// The sources that the diagnostics point into.
    pub sources: Sources,
}

/// A compiled policy.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The policy with its roles resolved.
    pub model: Policy,
    /// The source: what a bundle carries. For a directory of roles, all of it as one document.
    pub source: String,
}

impl Compiler {
    /// A compiler with these options.
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    /// Compiles the policy at `path`: a file, or a directory with a role in each file. Fails only if it cannot be read; a policy that
    /// is refused is an [`Outcome`] without a policy.
    pub fn compile_path(&self, path: &Path) -> Result<Outcome, ReadError> {
        let (mut sources, mut sink) = (Sources::default(), Sink::default());
        let input = source::read(path, &mut sources, &mut sink)?;
        Ok(self.run(input, sources, sink))
    }

    /// Compiles a policy that is at hand as a text; `name` is what diagnostics call it.
    pub fn compile_str(&self, name: &str, text: &str) -> Outcome {
        let (mut sources, mut sink) = (Sources::default(), Sink::default());
        let input = source::add_text(name, text, &mut sources, &mut sink);
        self.run(input, sources, sink)
    }

    fn run(&self, input: Option<Input>, sources: Sources, mut sink: Sink) -> Outcome {
        let policy = input.and_then(|input| self.compile(&input, &sources, &mut sink));
        let refused = sink.has_errors();
        let diagnostics = sink.finish();
        let warned = self.options.deny_warnings && diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Warning);
        Outcome { policy: policy.filter(|_| !refused && !warned), diagnostics, sources }
    }

    fn compile(&self, input: &Input, sources: &Sources, sink: &mut Sink) -> Option<Compiled> {
        let (document, source) = match input {
            Input::Document(file) => {
                let root = source::parse(sources, *file, sink)?;
                (document::read_document(&root, sink)?, sources.text(*file).to_owned())
            }
            Input::Roles { directory, files } => {
                let roots: Vec<_> = files.iter().filter_map(|(stem, file)| source::parse(sources, *file, sink).map(|root| (stem.clone(), root))).collect();
                let document = document::read_roles(source::Span::whole(*directory), &roots, sink);
                (document, source::write_roles(&roots))
            }
        };
        let resolved = resolve::resolve(&document, sources, sink);
        if sink.has_errors() {
            return None;
        }
        lint::run(&resolved, sources, sink);
        let model = resolve::build(&resolved, self.options.limits, Sha256::digest(source.as_bytes()).into());
        Some(Compiled { model, source })
    }
}
