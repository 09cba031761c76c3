//! Approvals out of the files that an operator names.

use std::path::PathBuf;
use std::sync::Arc;

use hexgate_approvals::{
    ApprovalService, Approvers, ApproversError, OpenError, RequestStore, Terms, TermsError,
    UsedApprovals, UsedApprovalsError,
};

use super::DurableApprovals;

/// A database of requests for approval, and who answers them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalFiles {
    /// The database. It is made if it is missing.
    pub database: PathBuf,
    /// The file that lists who may answer.
    pub approvers: PathBuf,
    /// The file of used approvals. None: they are kept in the database alone.
    pub used: Option<PathBuf>,
    /// The roles of approvers, where the policy names none. At least one.
    pub roles: Vec<String>,
}

/// Why approvals cannot be asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApprovalFilesError {
    /// The database cannot be used.
    #[error("the database of approvals cannot be used: {0}")]
    Store(#[from] OpenError),
    /// The list of approvers cannot be used.
    #[error("the list of approvers cannot be used: {0}")]
    Approvers(#[from] ApproversError),
    /// The file of used approvals cannot be used.
    #[error("the file of used approvals cannot be used: {0}")]
    Used(#[from] UsedApprovalsError),
    /// The terms of approvals are none.
    #[error("the roles of approvers cannot be used: {0}")]
    Terms(#[from] TermsError),
}

impl ApprovalFiles {
    /// Opens them.
    ///
    /// # Errors
    ///
    /// One of them cannot be used.
    pub fn open(&self) -> Result<DurableApprovals, ApprovalFilesError> {
        let terms = Terms::new(self.roles.clone())?;
        let mut service = ApprovalService::new(
            RequestStore::open_or_create(&self.database)?,
            Approvers::from_file(&self.approvers)?,
        );
        if let Some(used) = &self.used {
            service = service.with_used_approvals(UsedApprovals::open(used)?);
        }
        Ok(DurableApprovals::new(Arc::new(service), terms))
    }
}
