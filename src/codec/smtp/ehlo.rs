//! The answer to EHLO (`RFC 5321 §4.1.1.1`): the server's extensions.
//!
//! Keywords that postie does not use are ignored, and so are malformed parameters. If a keyword comes twice,
//! the last one counts; the mechanisms of several AUTH lines add up.

use super::reply::Reply;

/// The SIZE extension (`RFC 1870 §4`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SizeLimit {
    /// Not announced.
    #[default]
    Absent,
    /// Announced without a limit (no number, or 0).
    Unlimited,
    /// The most octets of a message.
    Octets(u64),
}

/// The extensions the server announced; none after HELO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// `RFC 1870`.
    pub size: SizeLimit,
    /// `RFC 6152`.
    pub eight_bit_mime: bool,
    /// `RFC 6531`.
    pub smtp_utf8: bool,
    /// `RFC 2920`.
    pub pipelining: bool,
    /// `RFC 3030`.
    pub chunking: bool,
    /// `RFC 3030`.
    pub binary_mime: bool,
    /// `RFC 3461`.
    pub dsn: bool,
    /// `RFC 8689`.
    pub require_tls: bool,
    /// `RFC 3207`.
    pub start_tls: bool,
    /// `RFC 2034`.
    pub enhanced_status_codes: bool,
    /// The SASL mechanisms of `RFC 4954`, in upper case, in the server's order.
    pub auth: Vec<String>,
    /// The most recipients of one transaction (`RFC 9422 §4.2`).
    pub rcpt_max: Option<usize>,
    /// The most transactions of one session (`RFC 9422 §4.1`).
    pub mail_max: Option<usize>,
}

impl Extensions {
    /// Reads all lines but the first, which is a greeting.
    pub fn parse(reply: &Reply) -> Self {
        let mut found = Extensions::default();
        for text in reply.texts().skip(1) {
            found.take(&String::from_utf8_lossy(text));
        }
        found
    }

    /// Takes one line: `ehlo-line = ehlo-keyword *( SP ehlo-param )`.
    fn take(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
        match keyword.as_str() {
            "SIZE" => {
                self.size = match words.next().map(str::parse) {
                    Some(Ok(octets)) if octets > 0 => SizeLimit::Octets(octets),
                    _ => SizeLimit::Unlimited,
                };
            }
            "8BITMIME" => self.eight_bit_mime = true,
            "SMTPUTF8" => self.smtp_utf8 = true,
            "PIPELINING" => self.pipelining = true,
            "CHUNKING" => self.chunking = true,
            "BINARYMIME" => self.binary_mime = true,
            "DSN" => self.dsn = true,
            "REQUIRETLS" => self.require_tls = true,
            "STARTTLS" => self.start_tls = true,
            "ENHANCEDSTATUSCODES" => self.enhanced_status_codes = true,
            "AUTH" => words.for_each(|name| self.mechanism(name)),
            "LIMITS" => words.for_each(|limit| self.limit(limit)),
            // Servers from before RFC 2554 write `AUTH=LOGIN`.
            _ => {
                if let Some(first) = keyword.strip_prefix("AUTH=") {
                    self.mechanism(first);
                    words.for_each(|name| self.mechanism(name));
                }
            }
        }
    }

    fn mechanism(&mut self, name: &str) {
        let name = name.to_ascii_uppercase();
        if !name.is_empty() && !self.auth.contains(&name) {
            self.auth.push(name);
        }
    }

    fn limit(&mut self, limit: &str) {
        let Some((name, value)) = limit.split_once('=') else { return };
        let value = value.parse().ok().filter(|value| *value > 0);
        match name.to_ascii_uppercase().as_str() {
            "RCPTMAX" => self.rcpt_max = value,
            "MAILMAX" => self.mail_max = value,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reply::Assembler;
    use super::*;

    fn extensions(lines: &[&str]) -> Extensions {
        let mut assembler = Assembler::new();
        for line in lines {
            if let Some(reply) = assembler.push(line.as_bytes()).unwrap() {
                return Extensions::parse(&reply);
            }
        }
        panic!("no whole reply in {lines:?}");
    }

    #[test]
    fn every_known_extension_is_found_whatever_its_case() {
        let found = extensions(&[
            "250-mx.example.org Hello SMTPUTF8",
            "250-pipelining",
            "250-SIZE 35882577",
            "250-8BITMIME",
            "250-StartTLS",
            "250-AUTH LOGIN plain XOAUTH2",
            "250-AUTH=LOGIN CRAM-MD5",
            "250-ENHANCEDSTATUSCODES",
            "250-CHUNKING",
            "250-BINARYMIME",
            "250-DSN",
            "250-REQUIRETLS",
            "250-LIMITS RCPTMAX=20 MAILMAX=5 FOO=1",
            "250-X-EXPS GSSAPI",
            "250 SMTPUTF8",
        ]);
        assert_eq!(
            found,
            Extensions {
                size: SizeLimit::Octets(35_882_577),
                eight_bit_mime: true,
                smtp_utf8: true,
                pipelining: true,
                chunking: true,
                binary_mime: true,
                dsn: true,
                require_tls: true,
                start_tls: true,
                enhanced_status_codes: true,
                auth: ["LOGIN", "PLAIN", "XOAUTH2", "CRAM-MD5"].map(str::to_owned).to_vec(),
                rcpt_max: Some(20),
                mail_max: Some(5),
            }
        );
    }

    #[test]
    fn the_greeting_line_is_no_extension() {
        assert_eq!(extensions(&["250 PIPELINING"]), Extensions::default());
        assert_eq!(extensions(&["250-STARTTLS", "250 DSN"]), Extensions { dsn: true, ..Default::default() });
    }

    #[test]
    fn a_size_without_a_sensible_number_is_no_limit() {
        for (line, size) in [
            ("250 SIZE", SizeLimit::Unlimited),
            ("250 SIZE 0", SizeLimit::Unlimited),
            ("250 SIZE -5", SizeLimit::Unlimited),
            ("250 SIZE many", SizeLimit::Unlimited),
            ("250 SIZE 99999999999999999999999999", SizeLimit::Unlimited),
            ("250 SIZE 1000", SizeLimit::Octets(1000)),
            ("250 SIZES 1000", SizeLimit::Absent),
        ] {
            assert_eq!(extensions(&["250-x", line]).size, size, "{line}");
        }
    }

    #[test]
    fn no_prefix_of_a_keyword_is_the_keyword() {
        for keyword in ["8BITMIME", "SMTPUTF8", "PIPELINING", "STARTTLS", "DSN", "REQUIRETLS"] {
            for end in 0..keyword.len() {
                let line = format!("250 {}", &keyword[..end]);
                assert_eq!(extensions(&["250-x", &line]), Extensions::default(), "{line}");
            }
        }
    }

    #[test]
    fn the_longest_reply_that_is_taken_is_read_in_full() {
        let mut lines = vec!["250-x".to_owned()];
        lines.extend((0..super::super::reply::MAX_LINES - 2).map(|n| format!("250-AUTH M{n}")));
        lines.push("250 DSN".to_owned());
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let found = extensions(&lines);
        assert!(found.dsn);
        assert_eq!(found.auth.len(), super::super::reply::MAX_LINES - 2);
    }
}
