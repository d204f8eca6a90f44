//! `-N`, `-R` and `-V`: notifications (`RFC 3461`).

use crate::cli::SendmailArgs;
use crate::codec::smtp::command::{self, MAX_ENVID};
use crate::codec::smtp::{Notify, Return};
use crate::words::Failure;
use crate::work::send::Options;

/// Reads them.
pub fn of(args: &SendmailArgs) -> Result<Options, Failure> {
    Ok(Options {
        notify: args.notify.as_deref().map(notify).transpose()?,
        ret: args.ret.as_deref().map(ret).transpose()?,
        envid: args.envid.as_deref().map(envid).transpose()?,
        ..Options::default()
    })
}

fn notify(text: &str) -> Result<Notify, Failure> {
    let mut found = Notify::default();
    let words = text.split(',').map(|word| word.trim().to_ascii_lowercase()).collect::<Vec<_>>();
    if words == ["never"] {
        return Ok(found);
    }
    for word in &words {
        match word.as_str() {
            "success" => found.success = true,
            "failure" => found.failure = true,
            "delay" => found.delay = true,
            _ => return Err(Failure::usage("-N: it must be never, or some of success,failure,delay")),
        }
    }
    Ok(found)
}

fn ret(text: &str) -> Result<Return, Failure> {
    match text.to_ascii_lowercase().as_str() {
        "full" => Ok(Return::Full),
        "hdrs" => Ok(Return::Headers),
        _ => Err(Failure::usage("-R: it must be full or hdrs")),
    }
}

fn envid(text: &str) -> Result<String, Failure> {
    let wrong = || Failure::usage(format!("-V: not up to {MAX_ENVID} printable characters"));
    command::envid(text).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_are_those_of_sendmail() {
        let args = |n: &str, r: &str, v: &str| SendmailArgs {
            notify: Some(n.into()),
            ret: Some(r.into()),
            envid: Some(v.into()),
            ..SendmailArgs::default()
        };
        let options = of(&args("FAILURE,delay", "HDRS", "job 42")).unwrap();
        assert_eq!(options.notify, Some(Notify { success: false, failure: true, delay: true }));
        assert_eq!((options.ret, options.envid.as_deref()), (Some(Return::Headers), Some("job 42")));
        assert_eq!(of(&args("never", "full", "x")).unwrap().notify, Some(Notify::default()));
        for (n, r, v) in [
            ("never,delay", "full", "x"),
            ("", "full", "x"),
            ("delay", "all", "x"),
            ("delay", "full", "a\r\nb"),
        ] {
            assert!(of(&args(n, r, v)).is_err(), "{n} {r} {v:?}");
        }
        assert!(of(&SendmailArgs::default()).unwrap().notify.is_none());
    }
}
