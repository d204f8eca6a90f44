//! Layer 3: SMTP sessions (`RFC 5321`).
