//! The compiler from end to end.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use hexgate_bundle::{Claims, Draft, Stem, StemError};
use sha2::{Digest, Sha256};

use crate::{
    CONTRACT, OpaCoreError, Release,
    budget::{Allowance, Budget},
    diagnostic::{Diagnostic, Severity, Sink},
    document, lint,
    model::{Limits, Policy},
    opa::{Entrypoint, Opa, OpaError, Program},
    plan::{self, COMPILER},
    rego::{self, Refusal},
    resolve,
    source::{self, FileId, Input, ReadError, Sources, Span},
};

/// What to compile for.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// The limits that the policy counts. Default: 1 MiB of arguments, 1 MiB of facts. Values beyond [`Limits::MAX_BYTES`] count as
    /// that.
    pub limits: Limits,
    /// Whether warnings refuse the policy too. Default: no.
    pub deny_warnings: bool,
}

impl Options {
    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same, and whether warnings refuse the policy too.
    #[must_use]
    pub fn with_denied_warnings(self, deny_warnings: bool) -> Self {
        Self {
            deny_warnings,
            ..self
        }
    }
}

/// Compiles policies.
#[derive(Debug, Clone, Default)]
pub struct Compiler {
    options: Options,
    allowance: Allowance,
}

/// What came of compiling a policy.
#[derive(Debug)]
#[must_use = "a policy that is refused is an outcome without one, and its diagnostics say why"]
pub struct Outcome<P = Compiled> {
    /// The policy, unless it is refused.
    pub policy: Option<P>,
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
    /// The policy as the engine evaluates it.
    pub plan: Vec<u8>,
    /// The component: the engine with the plan.
    pub component: Vec<u8>,
    /// The source: what a bundle carries. For a directory of roles all of it as one document, which compiles to the same plan.
    pub source: String,
    /// What the policy was read from, without the folders that lead there: names the files of its bundle.
    pub file_name: PathBuf,
    /// The policy as Rego, once it was asked for.
    rego: OnceLock<Result<String, Refusal>>,
    /// OPA's module, if that is what evaluates the policy in the component.
    module: Option<Vec<u8>>,
}

impl<P> Outcome<P> {
    /// The same outcome for what becomes of the policy.
    pub fn map<Q>(self, make: impl FnOnce(P) -> Q) -> Outcome<Q> {
        Outcome {
            policy: self.policy.map(make),
            diagnostics: self.diagnostics,
            sources: self.sources,
        }
    }
}

impl Compiler {
    /// A compiler with these options.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            allowance: Allowance::default(),
        }
    }

    /// Lets a policy cost another amount of work and memory than [`Account::limit`](crate::budget::Account::limit) says. What is compiled
    /// does not depend on it, only whether it is refused.
    #[must_use]
    pub fn with_allowance(mut self, allowance: Allowance) -> Self {
        self.allowance = allowance;
        self
    }

    /// Compiles the policy at `path`: a file, or a directory with a role in each file.
    ///
    /// # Errors
    ///
    /// Only if it cannot be read. A policy that is refused is an [`Outcome`] without a policy.
    pub fn compile_path(&self, path: &Path) -> Result<Outcome, ReadError> {
        let (mut sources, mut sink) = (Sources::default(), Sink::default());
        let input = source::read(path, &mut sources, &mut sink)?;
        // `.` and `..` have no name of their own.
        let name = match path.file_name() {
            Some(name) => name.into(),
            None => fs::canonicalize(path)
                .ok()
                .and_then(|path| path.file_name().map(PathBuf::from))
                .unwrap_or_default(),
        };
        Ok(self.run(input, name, sources, sink))
    }

    /// Compiles a policy that is at hand as a text; `name` is the file name that diagnostics call it by.
    pub fn compile_str(&self, name: &str, text: &str) -> Outcome {
        let (mut sources, mut sink) = (Sources::default(), Sink::default());
        let input = source::add_text(name, text, &mut sources, &mut sink);
        let name = Path::new(name)
            .file_name()
            .map(PathBuf::from)
            .unwrap_or_default();
        self.run(input, name, sources, sink)
    }

    fn run(
        &self,
        input: Option<Input>,
        name: PathBuf,
        sources: Sources,
        mut sink: Sink,
    ) -> Outcome {
        let policy = input.and_then(|input| self.compile(&input, name, &sources, &mut sink));
        let refused = sink.has_errors();
        let diagnostics = sink.finish();
        let warned = self.options.deny_warnings
            && diagnostics
                .iter()
                .any(|diagnostic| diagnostic.severity == Severity::Warning);
        Outcome {
            policy: policy.filter(|_| !refused && !warned),
            diagnostics,
            sources,
        }
    }

    fn compile(
        &self,
        input: &Input,
        file_name: PathBuf,
        sources: &Sources,
        sink: &mut Sink,
    ) -> Option<Compiled> {
        let budget = &Budget::new(&self.allowance);
        let (document, source, file) = match input {
            Input::Document(file) => {
                let root = source::parse_within(sources, *file, budget, sink)?;
                (
                    document::read_document(&root, sink)?,
                    sources.text(*file).to_owned(),
                    *file,
                )
            }
            Input::Roles { directory, files } => {
                let (mut roots, mut refused) = (Vec::with_capacity(files.len()), Vec::new());
                for (stem, file) in files {
                    if budget.is_exhausted() || sink.is_full() {
                        return None;
                    }
                    match source::parse_within(sources, *file, budget, sink) {
                        Some(root) => roots.push((stem.clone(), root)),
                        None => refused.push(stem.clone()),
                    }
                }
                let document = document::read_roles(Span::whole(*directory), &roots, refused, sink);
                let source = source::write_roles(&roots);
                if source.len() > source::MAX_SOURCE {
                    sink.push(source::too_large(
                        Span::whole(*directory),
                        "the directory, written as one document,",
                        source::MAX_SOURCE,
                    ));
                }
                (document, source, *directory)
            }
        };
        let resolved = resolve::resolve(&document, budget, sources, sink);
        budget.close(Span::whole(file), sink);
        if sink.has_errors() {
            return None;
        }
        let model = resolve::build(
            &resolved,
            self.limits(),
            Sha256::digest(source.as_bytes()).into(),
            budget,
            sink,
        )?;
        lint::run(&resolved, sources, budget, sink);
        budget.close(Span::whole(file), sink);
        let plan = plan::encode(&model)
            .map_err(|error| sink.push(too_large(file, &error.to_string())))
            .ok()?;
        let component = hexgate_component::embed_plan(&plan)
            .map_err(|error| sink.push(too_large(file, &error.to_string())))
            .ok()?;
        Some(Compiled {
            model,
            plan,
            component,
            source,
            file_name,
            rego: OnceLock::new(),
            module: None,
        })
    }

    /// Whether warnings refuse a policy.
    pub(crate) fn denies_warnings(&self) -> bool {
        self.options.deny_warnings
    }

    /// Whether the limits are those that a policy has if nothing is said.
    pub(crate) fn has_default_limits(&self) -> bool {
        self.options.limits == Limits::default()
    }

    /// The limits of a policy that this compiles.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            arguments_bytes: self.options.limits.arguments_bytes.min(Limits::MAX_BYTES),
            facts_bytes: self.options.limits.facts_bytes.min(Limits::MAX_BYTES),
        }
    }
}

impl Compiled {
    /// The core module within the component, for hosts without a component runtime.
    ///
    /// # Errors
    ///
    /// None for a compiled policy: its plan was embedded before.
    pub fn core(&self) -> Result<Vec<u8>, hexgate_component::EmbedError> {
        hexgate_component::module_with_plan(&self.plan)
    }

    /// The policy as Rego, see [`rego`].
    ///
    /// # Errors
    ///
    /// What cannot be expressed is refused, never left out.
    pub fn rego(&self) -> Result<&str, Refusal> {
        match self.rego.get_or_init(|| rego::print(&self.model)) {
            Ok(text) => Ok(text),
            Err(refusal) => Err(refusal.clone()),
        }
    }
}

impl Compiled {
    /// What becomes the bundle of this policy: [`hexgate_bundle::write`] makes it. The Rego is empty if the policy is not printed
    /// ([`Compiled::rego`] says why): the component does not depend on it.
    ///
    /// # Errors
    ///
    /// If the policy's file name cannot name the files of a bundle.
    pub fn draft(&self, release: &Release) -> Result<Draft<'_>, StemError> {
        let stem = Stem::from_path(&self.file_name)?;
        let claims = Claims {
            engine_digest: match self.opa_module() {
                None => hexgate_component::DIGEST.parse().ok(),
                Some(_) => None,
            },
            // The engine wipes its memory after each decision, and what OPA's module leaves in its own is given up before each.
            stateless: true,
            ..Claims::new(stem.source(), CONTRACT, self.engine(), COMPILER)
        };
        let rego = self.rego().unwrap_or_default();
        Ok(release.draft(stem, &self.source, rego, &self.component, claims))
    }

    /// What evaluates the policy in the component: `native` or `rego`.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match self.module {
            None => "native",
            Some(_) => "rego",
        }
    }

    /// OPA's module in the component. None: the engine of hexgate is in it.
    #[must_use]
    pub fn opa_module(&self) -> Option<&[u8]> {
        self.module.as_deref()
    }

    /// The same policy, evaluated as Rego by OPA's module. `outcome` is what is known so far, and gets what OPA has to say.
    pub(crate) fn through_opa(
        mut self,
        opa: &Opa,
        mut outcome: Outcome,
    ) -> Result<Outcome, OpaError> {
        let mut sink = Sink::default();
        if let Some(module) = self.build_with(opa, &mut outcome.sources, &mut sink)? {
            match hexgate_component::wrap(&module, &self.plan) {
                Ok(component) => {
                    (self.component, self.module) = (component, Some(module));
                    outcome.policy = Some(self);
                }
                Err(error) => {
                    let file = outcome
                        .sources
                        .add(self.file_name.display().to_string(), "");
                    sink.push(too_large(file, &error.to_string()));
                }
            }
        }
        outcome.diagnostics.extend(sink.finish());
        Ok(outcome)
    }

    /// A component in which OPA's module evaluates this policy.
    ///
    /// # Errors
    ///
    /// If OPA cannot be used, or the policy is too large for it.
    pub fn rego_component(&self, opa: &Opa) -> Result<Vec<u8>, OpaCoreError> {
        Ok(hexgate_component::wrap(
            &self.build_module(opa)?,
            &self.plan,
        )?)
    }

    /// OPA's module for this policy.
    pub(crate) fn build_module(&self, opa: &Opa) -> Result<Vec<u8>, OpaCoreError> {
        let (mut sources, mut sink) = (Sources::default(), Sink::default());
        let module = self.build_with(opa, &mut sources, &mut sink)?;
        module.ok_or_else(|| {
            let first = sink.finish().into_iter().next();
            OpaCoreError::Refused(first.map(|first| first.message).unwrap_or_default())
        })
    }

    fn build_with(
        &self,
        opa: &Opa,
        sources: &mut Sources,
        sink: &mut Sink,
    ) -> Result<Option<Vec<u8>>, OpaError> {
        let name = format!("{} as Rego", self.file_name.display());
        let rego = match self.rego() {
            Ok(rego) => rego,
            Err(refusal) => {
                sink.push(not_printed(&refusal, &name, sources));
                return Ok(None);
            }
        };
        let program = Program {
            policy: sources.add(name, rego),
            data: None,
            entrypoint: &Entrypoint::default(),
        };
        opa.build(&program, sources, sink)
    }
}

/// Why there is no Rego: at the constraint, where there is one that is written as it is read.
fn not_printed(refusal: &Refusal, name: &str, sources: &mut Sources) -> Diagnostic {
    let message = refusal.to_string();
    match refusal {
        Refusal::Inexact { constraint, .. } => {
            let place = sources.find(constraint);
            let place = place.unwrap_or_else(|| Span::whole(sources.add(name, "")));
            Diagnostic::new("rego-inexact", message, place, "calculates")
        }
        Refusal::TooLarge
        | Refusal::Pattern(_)
        | Refusal::Scopes(_)
        | Refusal::Rust
        | Refusal::Built => too_large(sources.add(name, ""), &message),
    }
}

fn too_large(file: FileId, message: &str) -> Diagnostic {
    Diagnostic::new("policy-too-large", message, Span::whole(file), "")
}
