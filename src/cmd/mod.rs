//! Layer 6: the commands: arguments to job to report.
