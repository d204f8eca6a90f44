//! Layer 6: the command line, as clap types.
