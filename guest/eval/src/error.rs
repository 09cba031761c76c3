//! Why there is no verdict.

use hexgate_contract as contract;

use crate::plan::Damaged;

/// Why there is no verdict. The texts are literals: refusing a request allocates nothing.
pub type Error = contract::Error<&'static str>;

impl From<Damaged> for Error {
    fn from(damaged: Damaged) -> Self {
        Self::Internal(damaged.what())
    }
}
