//! Whether a host without a compiler decides by the known engine, and refuses everything else. There are tests only.
