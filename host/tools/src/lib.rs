//! Built-in tools of agents: files, search, commands, the web.
//!
//! | tool | what it does | where |
//! |---|---|---|
//! | `read_file`, `write_file`, `edit_file` | files of the workspace | [`files`] |
//! | `glob`, `grep` | finds files by name and by text | [`search`] |
//! | `bash` | commands, in the sandbox | [`bash`] |
//! | `fetch`, `web_search` | the web | [`fetch`], [`web_search`] |
//! | `refund_order` | demos | [`refund`] |
//!
//! A [`Toolbox`] has them by name, as the files of agents write them.
//!
//! ```no_run
//! use hexgate_sandbox::{Sandbox, Wanted, Workspace};
//! use hexgate_tools::Toolbox;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let workspace = Workspace::builder("/home/alice/project").build()?;
//! let sandbox = Sandbox::choose(&workspace, &Wanted::default());
//! let tools = Toolbox::of(&workspace)?.sandbox(sandbox);
//! let read_file = tools.named("read_file")?;
//! println!("{}", read_file.spec().description);
//! # Ok(())
//! # }
//! ```
//!
//! Whatever fails is an error that the model reads, with a stable name such as `not_found`; the run goes on.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod bash;
mod blocking;
#[cfg(feature = "files")]
mod built_in;
pub mod fetch;
pub mod files;
pub mod refund;
mod reply;
mod retry;
pub mod search;
mod toolbox;
pub mod web_search;

#[cfg(feature = "files")]
pub use built_in::BuiltIn;
pub use toolbox::{NAMES, NoSuchTool, Toolbox};
