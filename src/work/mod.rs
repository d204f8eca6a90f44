//! Layer 5: the jobs.
