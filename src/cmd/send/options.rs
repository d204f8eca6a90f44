//! The options that are parameters of the SMTP envelope.

use crate::cli::SendArgs;
use crate::cli::send::{DsnNotify, DsnReturn, OnRejectedArg as Asked};
use crate::codec::smtp::command::{self, MAX_ENVID};
use crate::codec::smtp::{Notify, Return};
use crate::mail::addresses;
use crate::smtp::OnRejected;
use crate::words::{Failure, Kind, ReversePath, Stage};
use crate::work::send::Options;

/// Reads the options of the envelope.
pub fn of(args: &SendArgs) -> Result<Options, Failure> {
    Ok(Options {
        on_rejected: match args.on_rejected {
            Asked::Abort => OnRejected::Abort,
            Asked::Send => OnRejected::Send,
        },
        notify: notify(&args.dsn_notify)?,
        ret: args.dsn_return.map(|what| match what {
            DsnReturn::Full => Return::Full,
            DsnReturn::Hdrs => Return::Headers,
        }),
        envid: args.dsn_envid.as_deref().map(envid).transpose()?,
        require_tls: args.require_tls,
        retry_for: args.retry_for,
        ..Options::default()
    })
}

fn notify(asked: &[DsnNotify]) -> Result<Option<Notify>, Failure> {
    let has = |what| asked.contains(&what);
    if asked.is_empty() {
        return Ok(None);
    }
    if has(DsnNotify::Never) && asked.iter().any(|what| *what != DsnNotify::Never) {
        return Err(Failure::usage("--dsn-notify: never stands alone"));
    }
    Ok(Some(Notify {
        success: has(DsnNotify::Success),
        failure: has(DsnNotify::Failure),
        delay: has(DsnNotify::Delay),
    }))
}

fn envid(text: &str) -> Result<String, Failure> {
    command::envid(text).ok_or_else(|| {
        let shown = text.escape_debug();
        let message = format!("--dsn-envid: \"{shown}\": not up to {MAX_ENVID} printable characters");
        Failure::new(Kind::Input, Stage::Arguments, message)
    })
}

/// `--envelope-from`: an address, or `<>` for the null sender. `None` if it is not given.
pub fn sender(args: &SendArgs) -> Result<Option<ReversePath>, Failure> {
    let Some(text) = &args.envelope_from else { return Ok(None) };
    if text == "<>" {
        return Ok(Some(ReversePath::Null));
    }
    let mailbox = addresses::single(text).map_err(|error| bad_address("--envelope-from", &error))?;
    Ok(Some(mailbox.address.into()))
}

/// The failure for an option whose value is not an address.
pub fn bad_address(option: &str, error: &addresses::ListError) -> Failure {
    Failure::new(Kind::Input, Stage::Arguments, format!("{option}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notifications_are_never_or_some() {
        assert_eq!(notify(&[]).unwrap(), None);
        assert_eq!(notify(&[DsnNotify::Never]).unwrap(), Some(Notify::default()));
        assert!(notify(&[DsnNotify::Delay, DsnNotify::Success]).unwrap().unwrap().success);
        assert!(notify(&[DsnNotify::Never, DsnNotify::Delay]).is_err());
    }

    #[test]
    fn the_sender_is_an_address_or_none() {
        let args = |text: &str| SendArgs { envelope_from: Some(text.into()), ..SendArgs::default() };
        assert_eq!(sender(&SendArgs::default()).unwrap(), None);
        assert_eq!(sender(&args("<>")).unwrap(), Some(ReversePath::Null));
        assert_eq!(sender(&args("a@x.org")).unwrap().unwrap().as_str(), "a@x.org");
        for bad in ["", "a", "a@x.org\r\nRCPT TO:<b@x.org>", "a@x.org> SIZE=1", "a@x.org, b@x.org"] {
            assert_eq!(sender(&args(bad)).unwrap_err().kind(), Kind::Input, "{bad}");
        }
    }

    #[test]
    fn an_identifier_is_printable_and_short() {
        assert!(envid("job 42").is_ok());
        for bad in ["", "a\r\nb", "ü", &"x".repeat(101), &" ".repeat(34)] {
            assert!(envid(bad).is_err(), "{bad:?}");
        }
    }
}
