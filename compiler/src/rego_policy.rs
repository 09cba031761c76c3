//! A policy that is written in Rego: OPA compiles it, and it becomes a component of the same world.

use std::path::{Path, PathBuf};

use hexgate_bundle::{Claims, Draft, Stem, StemError};
use hexgate_component::{OpaquePlan, opaque_plan};
use hexgate_contract::{Exceeded, Malformed, Request};
use hexgate_eval::{Error, Plan, Workspace, check};
use sha2::{Digest, Sha256};

use crate::{
    CONTRACT, Compiler, MakeError, Outcome, Release,
    diagnostic::{Diagnostic, Sink},
    model::Limits,
    opa::{Entrypoint, Opa, Program},
    plan::COMPILER,
    source::{self, FileId, Sources, Span},
};

/// What only policies that are written in Rego have.
///
/// With the feature `clap` these are options of command lines; what is documented here is their help.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct RegoOptions {
    /// What a policy in Rego sees as `data`: a file with one JSON object
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE"))]
    pub data: Option<PathBuf>,

    /// The rule of a policy in Rego that is asked [default: hexgate/policy/decision]
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    pub entrypoint: Option<Entrypoint>,

    /// The Open Policy Agent. None: the one that `HEXGATE_OPA_BIN` names, else the one on the path.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub opa: Option<PathBuf>,
}

/// A compiled policy that is written in Rego.
#[derive(Debug, Clone)]
pub struct RegoPolicy {
    /// The component: OPA's module, its data, and what speaks for it.
    pub component: Vec<u8>,
    /// OPA's module. It does not hold the data.
    pub module: Vec<u8>,
    /// The policy, its lines ended by line feeds.
    pub rego: String,
    /// What the policy was read from, without the folders that lead there: names the files of its bundle.
    pub file_name: PathBuf,
    /// The rule that is asked.
    pub entrypoint: Entrypoint,
    /// Whether there are data beside the module.
    pub(crate) has_data: bool,
}

impl RegoPolicy {
    /// The bundle's source file. A host that evaluates it instead of the component denies everything.
    pub const SOURCE: &str = "# The policy of this bundle is written in Rego: see the file that ends in `.rego`. This one denies everything.\ntools: {}\n";

    /// What becomes the bundle of this policy: [`hexgate_bundle::write`] makes it.
    ///
    /// # Errors
    ///
    /// If the policy's file name cannot name the files of a bundle.
    pub fn draft(&self, release: &Release) -> Result<Draft<'_>, StemError> {
        let stem = Stem::from_path(&self.file_name)?;
        let claims = Claims {
            // What OPA's module leaves in its memory is given up before each decision.
            stateless: true,
            ..Claims::new(stem.rego(), CONTRACT, "rego", COMPILER)
        };
        Ok(release.draft(stem, Self::SOURCE, &self.rego, &self.component, claims))
    }
}

/// Whether the policy at `path` is written in Rego: its name says so.
pub fn is_rego(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "rego") && !path.is_dir()
}

impl Compiler {
    /// Compiles a policy that is written in Rego.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or OPA cannot be used. A policy that is refused is an [`Outcome`] without one.
    pub fn compile_rego(
        &self,
        path: &Path,
        options: &RegoOptions,
        opa: &Opa,
    ) -> Result<Outcome<RegoPolicy>, MakeError> {
        let (mut sources, mut sink) = (Sources::default(), Sink::default());
        let policy = source::read_text(path, "policy in Rego", &mut sources, &mut sink)?;
        let data = match &options.data {
            Some(path) => Some(source::read_text(
                path,
                "JSON object",
                &mut sources,
                &mut sink,
            )?),
            None => None,
        };
        let input = match (policy, data) {
            (Some(policy), Some(Some(data))) => Some((policy, Some(data))),
            (Some(policy), None) => Some((policy, None)),
            _ => None,
        };
        let policy = match input {
            Some((policy, data)) => {
                let entrypoint = options.entrypoint.clone().unwrap_or_default();
                let program = Program {
                    policy,
                    data,
                    entrypoint: &entrypoint,
                };
                self.compile_program(path, &program, opa, &sources, &mut sink)?
            }
            None => None,
        };
        let refused = sink.has_errors();
        Ok(Outcome {
            policy: policy.filter(|_| !refused),
            diagnostics: sink.finish(),
            sources,
        })
    }

    fn compile_program(
        &self,
        path: &Path,
        program: &Program<'_>,
        opa: &Opa,
        sources: &Sources,
        sink: &mut Sink,
    ) -> Result<Option<RegoPolicy>, MakeError> {
        let rego = sources.text(program.policy);
        sink.extend(source::refused_character(rego, program.policy));
        let data = program.data.map_or("", |data| sources.text(data));
        if let Some(file) = program.data {
            sink.extend(doubtful_data(data, file));
        }
        if sink.has_errors() {
            return Ok(None);
        }
        let Some(module) = opa.build(program, sources, sink)? else {
            return Ok(None);
        };
        opa.examine(program, sources, sink)?;
        if sink.has_errors() {
            return Ok(None);
        }
        let plan = opaque_plan(&OpaquePlan {
            limits: self.limits(),
            data,
            ..OpaquePlan::new(Sha256::digest(rego.as_bytes()).into(), COMPILER)
        });
        let component = match hexgate_component::wrap(&module, &plan) {
            Ok(component) => component,
            Err(error) => {
                sink.push(Diagnostic::new(
                    "rego-compile",
                    error.to_string(),
                    Span::whole(program.policy),
                    "",
                ));
                return Ok(None);
            }
        };
        Ok(Some(RegoPolicy {
            component,
            module,
            rego: rego.to_owned(),
            file_name: path.file_name().map(PathBuf::from).unwrap_or_default(),
            entrypoint: program.entrypoint.clone(),
            has_data: program.data.is_some(),
        }))
    }
}

/// What is wrong with data, by the reader that reads the arguments of a call.
fn doubtful_data(data: &str, file: FileId) -> Option<Diagnostic> {
    let plan = opaque_plan(&OpaquePlan {
        limits: Limits {
            arguments_bytes: Limits::MAX_BYTES,
            ..Limits::DEFAULT
        },
        ..OpaquePlan::new([0; 32], COMPILER)
    });
    let request = Request::new("data", data);
    let read = || -> Result<(), Error> {
        let plan = Plan::open(&plan)?;
        let mut workspace = Workspace::new();
        let mut scratch = workspace.scratch(&plan, &request)?;
        check(&plan, &request, &mut scratch)
    };
    let (message, span) = match read() {
        Ok(()) => return None,
        Err(Error::Malformed(Malformed { offset, reason, .. })) => {
            let start = usize::try_from(offset).unwrap_or_default().min(data.len());
            let rest = data.get(start..).and_then(|rest| rest.chars().next());
            let end = start + rest.map_or(0, char::len_utf8);
            (reason.to_owned(), Span::new(file, start, end))
        }
        Err(Error::Exceeded(Exceeded { limit, allowed })) => (
            format!("the data exceed the limit `{limit}`, which is {allowed}"),
            Span::whole(file),
        ),
        Err(Error::Internal(what)) => (what.to_owned(), Span::whole(file)),
    };
    Some(
        Diagnostic::new("rego-data", message, span, "")
            .with_help("data are one JSON object, read as strictly as the arguments of a call"),
    )
}
