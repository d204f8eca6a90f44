//! SMTP: replies, the answer to EHLO, commands (`RFC 5321`).
