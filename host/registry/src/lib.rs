//! Policy bundles in OCI registries.
