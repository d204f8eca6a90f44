//! The device authorization grant (`RFC 8628`): a code that is shown here and typed into a browser elsewhere.

use super::members::{self, Members};
use super::text;
use super::token::{self, ErrorCode};
use super::url::{UrlUse, check};
use crate::words::Secret;
use serde_json::Value;
use std::time::Duration;

/// How long to wait between two questions where the server does not say (`RFC 8628 §3.2`).
const INTERVAL: Duration = Duration::from_secs(5);

/// How much longer for good after `slow_down` (`RFC 8628 §3.5`).
const SLOWER: Duration = Duration::from_secs(5);

/// The longest wait between two questions, whatever a server says.
const LONGEST: Duration = Duration::from_secs(300);

/// How long a code is waited for where the server does not say; that it has ended, the server says itself.
const LIFE: Duration = Duration::from_secs(15 * 60);

/// The longest that a code is waited for, whatever a server says.
const MAX_LIFE: Duration = Duration::from_secs(24 * 3600);

/// The most characters of the code for the person.
const MAX_USER_CODE: usize = 64;

/// The answer of the device authorization endpoint (`RFC 8628 §3.2`).
#[derive(Clone, Debug)]
pub struct DeviceAuthorization {
    /// For the token endpoint.
    pub device_code: Secret,
    /// For the person to type.
    pub user_code: String,
    /// Where to type it.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: Option<String>,
    /// How long both codes are good.
    pub expires_in: Duration,
    /// How long to wait between two questions.
    pub interval: Duration,
}

/// Reads it. The error says what is wrong with it, and quotes no code.
///
/// The two codes and the address are needed; whatever else is odd counts as missing.
pub fn read(body: &[u8]) -> Result<DeviceAuthorization, String> {
    let body = members::text(body);
    let answer = Members::read(&body).map_err(|error| super::json_problem(&error))?;
    let missing = |name: &str| format!("it has no {name}");
    let device_code = answer.text("device_code").ok_or_else(|| missing("device_code"))?;
    if device_code.is_empty() {
        return Err("the device code is empty".into());
    }
    let user_code = match answer.value("user_code") {
        Some(Value::String(code)) => text::shown(&code),
        Some(Value::Number(code)) if code.is_u64() => code.to_string(),
        _ => return Err(missing("user_code")),
    };
    if user_code.is_empty() || user_code.chars().count() > MAX_USER_CODE {
        return Err("the code for the person is empty, or too long to type".into());
    }
    // The drafts before the RFC called it so, and some servers have both.
    let address = |names: [&str; 2]| {
        let all: Vec<String> = names.iter().filter_map(|name| answer.text(name)).collect();
        let good = all.iter().find(|uri| check(uri, UrlUse::ForPeople).is_ok()).cloned();
        good.or_else(|| all.into_iter().next())
    };
    let verification_uri = address(["verification_uri", "verification_url"]);
    let verification_uri = verification_uri.ok_or_else(|| missing("verification_uri"))?;
    check(&verification_uri, UrlUse::ForPeople).map_err(|what| format!("verification_uri: {what}"))?;
    // It is a convenience: one that is bad is left out.
    let complete = address(["verification_uri_complete", "verification_url_complete"]);
    let complete = complete.filter(|uri| check(uri, UrlUse::ForPeople).is_ok());
    let time = |name: &str, most| answer.value(name).and_then(|value| seconds(&value, most));
    Ok(DeviceAuthorization {
        device_code: Secret::new(device_code),
        user_code,
        verification_uri,
        verification_uri_complete: complete,
        expires_in: time("expires_in", MAX_LIFE).unwrap_or(LIFE),
        interval: time("interval", LONGEST).unwrap_or(INTERVAL),
    })
}

/// A number of seconds, at least one and not more than `most`, in every form that servers write it.
fn seconds(value: &Value, most: Duration) -> Option<Duration> {
    token::seconds(value).map(|time| time.clamp(Duration::from_secs(1), most))
}

/// What the token endpoint said to a question (`RFC 8628 §3.5`), where it is neither a token nor the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotYet {
    /// `authorization_pending`
    Pending,
    /// `slow_down`
    SlowDown,
    /// No answer, or one of a server that is ill.
    Unreachable,
}

impl NotYet {
    /// The error code as what it means here; `None`: the end.
    pub fn of_error(error: &ErrorCode) -> Option<NotYet> {
        match error {
            ErrorCode::AuthorizationPending => Some(NotYet::Pending),
            ErrorCode::SlowDown => Some(NotYet::SlowDown),
            _ => None,
        }
    }
}

/// When to ask.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    interval: Duration,
    /// What is left of the life of the codes.
    left: Duration,
    /// The wait while the server is not reached.
    backoff: Option<Duration>,
}

impl Pace {
    pub fn new(answer: &DeviceAuthorization) -> Self {
        Pace { interval: answer.interval, left: answer.expires_in, backoff: None }
    }

    /// The wait before the first question.
    pub fn first(&self) -> Duration {
        self.interval
    }

    /// The wait before the next question; `passed`: the time since the codes were given. `None`: they are too old then.
    pub fn after(&mut self, answer: NotYet, passed: Duration) -> Option<Duration> {
        let wait = match answer {
            NotYet::Unreachable => {
                let wait = self.backoff.unwrap_or(self.interval).saturating_mul(2).min(LONGEST);
                self.backoff = Some(wait);
                wait
            }
            NotYet::SlowDown => {
                self.backoff = None;
                self.interval = (self.interval + SLOWER).min(LONGEST);
                self.interval
            }
            NotYet::Pending => {
                self.backoff = None;
                self.interval
            }
        };
        (passed + wait < self.left).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"device_code":"DC","user_code":"ABCD-EFGH","verification_uri":"https://h/device",
        "verification_uri_complete":"https://h/device?c=ABCD-EFGH","expires_in":600,"interval":2,"message":"x"}"#;

    #[test]
    fn an_answer_is_read_with_what_is_optional_and_by_the_older_name() {
        let answer = read(GOOD.as_bytes()).unwrap();
        assert_eq!(
            (answer.user_code.as_str(), answer.verification_uri.as_str()),
            ("ABCD-EFGH", "https://h/device")
        );
        assert_eq!(answer.verification_uri_complete.as_deref(), Some("https://h/device?c=ABCD-EFGH"));
        assert_eq!((answer.expires_in.as_secs(), answer.interval.as_secs()), (600, 2));
        assert!(!format!("{answer:?}").contains("\"DC\""), "the device code is a secret");
        let old = br#"{"device_code":"d","user_code":"u","verification_url":"https://h","expires_in":1e12}"#;
        let answer = read(old).unwrap();
        assert_eq!((answer.expires_in, answer.interval), (MAX_LIFE, INTERVAL));
        assert_eq!(answer.verification_uri_complete, None);
    }

    #[test]
    fn an_answer_that_is_bad_is_refused_without_a_word_of_its_code() {
        for (from, to, wanted) in [
            ("\"DC\"", "\"\"", "device code"),
            ("ABCD-EFGH\",\"v", "\",\"v", "empty"),
            ("ABCD-EFGH\",\"v", "\\u001b\\u0007\",\"v", "empty"),
            ("https://h/device\"", "http://h/device\"", "verification_uri"),
            ("https://h/device\"", "javascript:alert(1)\"", "verification_uri"),
            ("https://h/device\"", "https://h/de vice\"", "verification_uri"),
            ("\"DC\"", "7", "device_code"),
            ("\"ABCD-EFGH\",", "null,", "user_code"),
            ("\"verification_uri\"", "\"x\"", "verification_uri"),
        ] {
            let error = read(GOOD.replace(from, to).as_bytes()).unwrap_err();
            assert!(error.contains(wanted) && !error.contains("DC"), "{to}: {error}");
        }
        let long = GOOD.replace("ABCD-EFGH\",\"v", &format!("{}\",\"v", "x".repeat(65)));
        assert!(read(long.as_bytes()).is_err());
        for end in 0..GOOD.len() {
            assert!(read(&GOOD.as_bytes()[..end]).is_err(), "{end}");
        }
        let worse = GOOD.replace("https://h/device?", "file:///etc/");
        assert_eq!(read(worse.as_bytes()).unwrap().verification_uri_complete, None);
    }

    #[test]
    fn what_is_not_needed_may_be_missing_or_odd() {
        for odd in ["null", "[600]", "{}", "\"soon\"", "true"] {
            let text = GOOD.replace("600", odd).replace("\"interval\":2", &format!("\"interval\":{odd}"));
            let text = text.replace("\"https://h/device?c=ABCD-EFGH\"", odd);
            let answer = read(text.as_bytes()).unwrap();
            assert_eq!((answer.expires_in, answer.interval), (LIFE, INTERVAL), "{odd}");
            assert_eq!(answer.verification_uri_complete, None, "{odd}");
        }
        // The address by both names, the code as a number.
        for (old, new) in
            [("\"https://h/d\"", "\"https://h/d\""), ("\"x\"", "\"https://h/d\""), ("7", "\"https://h/d\"")]
        {
            let both = format!(
                r#"{{"device_code":"d","user_code":123456,"verification_url":{old},"verification_uri":{new}}}"#
            );
            let answer = read(both.as_bytes()).unwrap();
            assert_eq!((&*answer.user_code, &*answer.verification_uri), ("123456", "https://h/d"));
        }
    }

    #[test]
    fn odd_numbers_become_sensible_waits() {
        for (interval, expires, wanted) in [
            ("0", "600", (1, 600)),
            ("-3", "0", (1, 1)),
            ("1e9", "1e300", (300, 86_400)),
            ("2.5", "9", (2, 9)),
            // Entra's endpoints of version 1.
            ("\"3\"", "\"900\"", (3, 900)),
            ("\"soon\"", "9", (5, 9)),
        ] {
            let text =
                GOOD.replace("\"interval\":2", &format!("\"interval\":{interval}")).replace("600", expires);
            let answer = read(text.as_bytes()).unwrap();
            assert_eq!(
                (answer.interval.as_secs(), answer.expires_in.as_secs()),
                wanted,
                "{interval} {expires}"
            );
        }
    }

    #[test]
    fn slow_down_is_for_good_and_an_ill_server_is_asked_less_and_less() {
        let mut pace = Pace::new(&read(GOOD.as_bytes()).unwrap());
        let mut wait = |answer| pace.after(answer, Duration::ZERO).unwrap().as_secs();
        assert_eq!(wait(NotYet::Pending), 2);
        assert_eq!(wait(NotYet::SlowDown), 7);
        assert_eq!(wait(NotYet::Pending), 7);
        assert_eq!([NotYet::Unreachable; 3].map(&mut wait), [14, 28, 56]);
        assert_eq!(wait(NotYet::Pending), 7, "it is well again");
        assert_eq!(wait(NotYet::Unreachable), 14);
        assert_eq!(wait(NotYet::SlowDown), 12);
    }

    #[test]
    fn nobody_asks_with_a_code_that_is_too_old() {
        let mut pace = Pace::new(&read(GOOD.as_bytes()).unwrap());
        assert!(pace.after(NotYet::Pending, Duration::from_secs(597)).is_some());
        assert_eq!(pace.after(NotYet::Pending, Duration::from_secs(598)), None);
        assert_eq!(pace.after(NotYet::Unreachable, Duration::from_secs(596)), None);
    }

    #[test]
    fn errors_that_are_not_the_end_are_two() {
        assert_eq!(NotYet::of_error(&ErrorCode::AuthorizationPending), Some(NotYet::Pending));
        assert_eq!(NotYet::of_error(&ErrorCode::SlowDown), Some(NotYet::SlowDown));
        for end in ["access_denied", "expired_token", "invalid_grant", "", "SLOW_DOWN"] {
            assert_eq!(NotYet::of_error(&ErrorCode::read(end)), None, "{end}");
        }
    }
}
