#!/bin/sh
# Documentation that programs can read is an option that only nightly compilers take without this.
RUSTC_BOOTSTRAP=1 exec rustdoc "$@"
