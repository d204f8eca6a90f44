//! Layer 3: POP3 sessions (`RFC 1939`).
