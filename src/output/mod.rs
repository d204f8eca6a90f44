//! Layer 6: what goes to stdout and stderr.
