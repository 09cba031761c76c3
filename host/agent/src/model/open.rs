//! From the text that names a model to the model.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::name::{ModelName, Provider};
use super::script::ScriptModel;
use super::{Model, ModelError, ModelSettings};

/// Opens the model that a text names, with default settings and the keys of the environment. A script's file is looked for in the current
/// directory.
///
/// # Errors
///
/// The text names no model, the key is missing, or the script cannot be read.
pub fn open(text: &str) -> Result<Arc<dyn Model>, ModelError> {
    Opener::new().open(text)
}

/// As [`open`]; a script's file is looked for in this folder.
///
/// # Errors
///
/// As for [`open`].
pub fn open_in(text: &str, folder: &Path) -> Result<Arc<dyn Model>, ModelError> {
    Opener::new().folder(folder).open(text)
}

type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Opens models.
#[derive(Clone)]
pub struct Opener {
    folder: Option<PathBuf>,
    settings: ModelSettings,
    variables: Arc<Variables>,
}

impl Default for Opener {
    fn default() -> Self {
        Self {
            folder: None,
            settings: ModelSettings::default(),
            variables: Arc::new(|name| std::env::var(name).ok()),
        }
    }
}

impl Opener {
    /// Default settings, the variables of the environment, the current directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where a script's relative file is looked for. Default: the current directory.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// How models are asked. The options of a model text come before it.
    #[must_use]
    pub fn settings(mut self, settings: ModelSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Where keys and addresses come from. Default: the environment of the process.
    #[must_use]
    pub fn variables(
        mut self,
        variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.variables = Arc::new(variables);
        self
    }

    /// Opens the model that a text names. Providers' models retry as the settings say; a script plays what it has.
    ///
    /// # Errors
    ///
    /// The text names no model, its key is missing, its address is refused, or the script cannot be read.
    pub fn open(&self, text: &str) -> Result<Arc<dyn Model>, ModelError> {
        let name = ModelName::parse(text)?;
        if name.provider == Provider::Script {
            let file = match &self.folder {
                Some(folder) => folder.join(&name.name),
                None => PathBuf::from(&name.name),
            };
            return Ok(Arc::new(ScriptModel::open(&file)?));
        }
        self.remote(name)
    }

    #[cfg(feature = "genai")]
    fn remote(&self, name: ModelName) -> Result<Arc<dyn Model>, ModelError> {
        let mut settings = self.settings.clone();
        settings.reasoning = name.reasoning.or(settings.reasoning);
        settings.max_output_tokens = name.max_output_tokens.or(settings.max_output_tokens);
        let retries = settings.retries;
        // A variable that is set to nothing is as good as none.
        let variable = |name: &str| {
            (self.variables)(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let model = super::genai::Remote::open(&name, settings, &variable)?;
        Ok(Arc::new(super::Retrying::new(Arc::new(model), retries)))
    }

    #[cfg(not(feature = "genai"))]
    fn remote(&self, name: ModelName) -> Result<Arc<dyn Model>, ModelError> {
        Err(ModelError::new(
            super::ModelErrorKind::Configuration,
            format!(
                "`{}` is not there in this build; build it with the feature `genai`, or use `script:FILE`",
                name.provider.name()
            ),
        ))
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("folder", &self.folder)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
