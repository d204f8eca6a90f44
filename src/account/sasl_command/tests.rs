//! Programs that play a mechanism, well and badly.

use super::*;
use crate::codec::sasl::BindingKind;
use crate::words::Secret;

fn credentials() -> Credentials {
    Credentials { user: "ana".into(), secret: Secret::new(""), host: "mail.test".into(), port: 995 }
}

fn start_within(line: &str, mechanism: &str, limits: Limits) -> Result<Box<dyn MechanismClient>, Failure> {
    let command = SaslCommand::new(Program::shell(line).unwrap(), "pop", limits);
    let binding = ChannelBinding { kind: BindingKind::TlsExporter, data: b"abc".to_vec() };
    command.start(MechanismName::parse(mechanism).unwrap(), &credentials(), Some(&binding))
}

fn start(line: &str) -> Box<dyn MechanismClient> {
    start_within(line, "GSSAPI", Limits { timeout: Duration::from_secs(30), ..Limits::default() }).unwrap()
}

fn failure(result: Result<Vec<u8>, ExchangeFault>) -> Failure {
    match result {
        Err(ExchangeFault::Failed(failure)) => *failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_learns_from_its_environment_what_is_wanted() {
    let names = "MECHANISM SERVICE HOST PORT USER AUTHZID CHANNEL_BINDING_TYPE CHANNEL_BINDING_DATA";
    let shown = names.split(' ').map(|name| format!("$POSTIE_SASL_{name}")).collect::<Vec<_>>().join(",");
    let mut player = start(&format!("printf '%s' \"{shown}\" | base64 -w0; echo; cat >/dev/null"));
    let told = String::from_utf8(player.respond(b"").unwrap()).unwrap();
    assert_eq!(told, "GSSAPI,pop,mail.test,995,ana,ana,tls-exporter,YWJj");
}

#[test]
fn challenges_and_responses_are_a_line_each_and_the_first_empty_one_is_kept_back() {
    // It speaks first, then gives back what it reads.
    let mut player = start("echo GSSAPI; echo Zmlyc3Q=; cat");
    assert!(player.first().is_none() && !player.is_done());
    assert_eq!(player.respond(b"").unwrap(), b"first");
    assert!(player.is_done() && player.may_be_asked());
    assert_eq!(player.respond(b"").unwrap(), b"", "an empty challenge later is passed on");
    for size in [1, 4095, 4096, 20_000, 45_000] {
        let challenge = vec![b'x'; size];
        assert_eq!(player.respond(&challenge).unwrap(), challenge, "{size}");
    }
    // A server that speaks first is heard, and its prose is not.
    assert_eq!(start("cat").respond(b"first").unwrap(), b"first");
    let mut player = start("echo =; cat");
    assert_eq!(player.respond_to_prose(b"ntlm supported").unwrap(), b"");
    assert!(matches!(player.respond_to_prose(b"more prose"), Err(ExchangeFault::Nonsense(_))));
}

#[test]
fn how_it_ends_says_what_the_failure_is() {
    for (line, kind) in [
        ("exit 0", Kind::Auth),
        ("exit 1", Kind::Auth),
        ("exit 75", Kind::Deferred),
        ("exit 78", Kind::Config),
        ("/nonexistent/program 2>/dev/null", Kind::Config),
        ("kill -9 $$", Kind::Auth),
        ("exec >&-; cat >/dev/null", Kind::Auth),
        ("echo '*'", Kind::Auth),
        ("echo 'not base64'", Kind::Config),
        ("head -c 200000 /dev/zero | tr '\\0' x", Kind::Config),
    ] {
        let failure = failure(start(line).respond(b""));
        assert_eq!(failure.kind(), kind, "{line}: {failure}");
        assert!(failure.message.starts_with("sasl-command: GSSAPI: "), "{failure}");
        assert!(failure.hint.is_some() || kind == Kind::Config, "{line}");
    }
    let no_ticket = failure(start("exit 1").respond(b""));
    assert!(no_ticket.hint.unwrap().starts_with("no Kerberos ticket: kinit, or KRB5_CLIENT_KTNAME"));
    let words = Program::argv(vec!["/nonexistent/program".into()]).unwrap();
    let missing = SaslCommand::new(words, "pop", Limits::default());
    let name = MechanismName::of("NTLM");
    assert_eq!(missing.start(name, &credentials(), None).unwrap_err().kind(), Kind::Config);
}

#[test]
fn one_that_hangs_is_ended_in_time_with_all_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let pid_file = dir.path().join("pid");
    let limits = Limits { timeout: Duration::from_millis(300), ..Limits::default() };
    let line = format!("sleep 1000 & echo $! > {}; wait", pid_file.display());
    let mut player = start_within(&line, "NTLM", limits).unwrap();
    assert_eq!(failure(player.respond(b"")).kind(), Kind::Timeout);
    drop(player);
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let stat = format!("/proc/{}/stat", pid.trim());
    let alive = || {
        std::fs::read_to_string(&stat)
            .is_ok_and(|stat| !stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')))
    };
    let until = Instant::now() + Duration::from_secs(300);
    while alive() && Instant::now() < until {
        std::thread::yield_now();
    }
    assert!(!alive(), "process {pid} lives on");
}
