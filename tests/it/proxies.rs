//! SOCKS5 proxies: a real one where it is installed, and one of the test's own that says what no real one does.

use crate::support::embedded::Listener;
use crate::support::mailbox::Mailbox;
use crate::support::pop3d::{Mode, Pop3d, USER};
use crate::support::process::Outcome;
use crate::support::real::{have, program};
use crate::world;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// A list of the mailbox at `localhost:port` through a proxy.
fn list(proxy: &str, more: &str, port: u16, env: &[(&str, &str)]) -> Outcome {
    let world = world();
    world.config(&format!(
        "[accounts.a]\nemail = 'ana@example.org'\npassword-file = '{}'\nca-file = '{}'\n{proxy}\n\
         [accounts.a.pop3]\nhost = 'localhost'\nport = {port}\nusername = '{USER}'\n{more}\n",
        world.text("secret"),
        world.text("ca.pem")
    ));
    let run = world.postie(["--json", "--timeout", "10s", "list"]);
    env.iter().fold(run, |run, (name, value)| run.env(name, value)).run()
}

fn proxy_at(port: u16) -> String {
    format!("proxy = 'socks5://127.0.0.1:{port}'")
}

/// A proxy that answers with these octets, each after it has read something, then says nothing more.
fn answering(answers: &'static [&'static [u8]]) -> Listener {
    Listener::start(move |mut peer, _| {
        for answer in answers {
            if peer.receive().unwrap_or_default().is_empty() {
                return;
            }
            peer.send(answer);
        }
        let _ = peer.flush();
        // Until the client goes.
        while peer.receive().is_ok_and(|octets| !octets.is_empty()) {}
    })
}

#[test]
fn what_a_proxy_refuses_is_told_as_what_it_is() {
    let cases: [(&'static [&'static [u8]], i32, &str); 9] = [
        (&[&[5, 255]], 78, "config"),
        (&[&[5, 0], &[5, 1, 0, 1, 0, 0, 0, 0, 0, 0]], 75, "network"),
        (&[&[5, 0], &[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]], 69, "rejected"),
        (&[&[5, 0], &[5, 3, 0, 1, 0, 0, 0, 0, 0, 0]], 75, "network"),
        (&[&[5, 0], &[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]], 75, "network"),
        (&[&[5, 0], &[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]], 75, "network"),
        (&[&[5, 0], &[5, 7, 0, 1, 0, 0, 0, 0, 0, 0]], 69, "missing"),
        (&[b"HTTP/1.1 400 Bad Request\r\n\r\n"], 76, "protocol"),
        (&[&[5, 0], b"nonsense"], 76, "protocol"),
    ];
    for (answers, code, kind) in cases {
        let proxy = answering(answers);
        let run = list(&proxy_at(proxy.port()), "", 1, &[]);
        let error = run.assert_failure(code, kind);
        assert_eq!(error["stage"], "proxy", "{error}");
    }
    let login = "proxy = 'socks5://ana@127.0.0.1:PORT'\nproxy-password-command = 'echo geheim'";
    const REFUSED: &[&[u8]] = &[&[5, 2], &[1, 1]];
    const NO_SUCH_LOGIN: &[&[u8]] = &[&[5, 255]];
    for (answers, code, kind) in [(REFUSED, 77, "auth"), (NO_SUCH_LOGIN, 69, "missing")] {
        let proxy = answering(answers);
        let run = list(&login.replace("PORT", &proxy.port().to_string()), "", 1, &[]);
        run.assert_failure(code, kind);
    }
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    list(&proxy_at(nobody), "", 1, &[]).assert_failure(75, "network");
    list("proxy = 'socks5://ana@127.0.0.1:1'", "", 1, &[]).assert_failure(78, "config");
    list("proxy = 'http://127.0.0.1:1'", "", 1, &[]).assert_failure(78, "config");
    let run = list("proxy = 'socks5://ana:S3CRET@127.0.0.1:1'", "", 1, &[]);
    run.assert_failure(78, "config");
    assert!(!run.err().contains("S3CRET") && !run.out().contains("S3CRET"));
}

#[test]
fn an_option_names_the_proxy_in_the_place_of_the_account_s_and_of_the_environment_s() {
    const REFUSES: &[&[u8]] = &[&[5, 0], &[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]];
    let (mailbox, world) = (Mailbox::with(1), world());
    let server = Pop3d::for_mailbox(&mailbox).start();
    let (own, given) = (answering(REFUSES), answering(REFUSES));
    let option = format!("socks5://127.0.0.1:{}", given.port());
    let more = format!("{}\nca-file = '{}'", proxy_at(own.port()), world.text("ca.pem"));
    world.config(&world.account("a", "pop3", server.port(), &more));
    let run = world.postie(["--json", "list", "--proxy", &option]).run();
    assert_eq!(run.assert_failure(69, "rejected")["stage"], "proxy");
    assert_eq!((own.journals().len(), given.journals().len()), (0, 1));
    world.postie(["--json", "list", "--proxy", "none"]).run().assert_exit(0);
    assert_eq!(own.journals().len(), 0);
    // Without a configuration; what the environment names does not count then.
    let elsewhere = format!("socks5://127.0.0.1:{}", own.port());
    let at_url = world.pop3(&server, "list").arg("--json").args(["--proxy", &option]);
    at_url.env("ALL_PROXY", &elsewhere).run().assert_failure(69, "rejected");
    assert_eq!((own.journals().len(), given.journals().len()), (0, 2));
    let run = world.postie(["--json", "list", "--proxy", "socks5://ana:S3CRET@127.0.0.1:1"]).run();
    run.assert_failure(64, "usage");
    assert!(!run.err().contains("S3CRET") && !run.out().contains("S3CRET"));
    world.postie(["--json", "list", "--proxy", "http://127.0.0.1:1"]).run().assert_failure(64, "usage");
}

#[test]
fn a_proxy_that_falls_silent_costs_no_more_than_the_time_of_an_operation() {
    const AT_ONCE: &[&[u8]] = &[];
    const THEN: &[&[u8]] = &[&[5, 0]];
    const IN_AN_ADDRESS: &[&[u8]] = &[&[5, 0], &[5, 0, 0, 3, 200]];
    for answers in [AT_ONCE, THEN, IN_AN_ADDRESS] {
        let proxy = answering(answers);
        let world = world();
        world.config(&world.account("a", "pop3", 1, &proxy_at(proxy.port())));
        let run = world.postie(["--json", "--timeout", "500ms", "list"]).run();
        run.assert_failure(75, "timeout");
    }
}

#[test]
fn without_tls_no_secret_goes_through_a_proxy() {
    let proxy = answering(&[&[5, 0]]);
    let run = list(&proxy_at(proxy.port()), "tls = 'none'", 1, &[]);
    run.assert_failure(78, "config");
    assert!(proxy.journals().is_empty(), "it is not even connected to");
}

/// microsocks, running.
struct Microsocks(Child, u16);

impl Microsocks {
    fn start(login: &[&str]) -> Microsocks {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let child = Command::new(program("microsocks").unwrap())
            .args(["-i", "127.0.0.1", "-p", &port.to_string()])
            .args(login)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            std::thread::yield_now();
        }
        Microsocks(child, port)
    }
}

impl Drop for Microsocks {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_real_proxy_connects_with_tls_inside_and_looks_the_name_up() {
    if !have("a_real_proxy_connects_with_tls_inside_and_looks_the_name_up", &["microsocks"]) {
        return;
    }
    let server = Pop3d::for_mailbox(&Mailbox::with(2)).mode(Mode::Implicit).start();
    let open = Microsocks::start(&[]);
    let run = list(&proxy_at(open.1), "", server.port(), &[]);
    assert_eq!(run.assert_exit(0).of_type("message").len(), 2);
    let closed = Microsocks::start(&["-u", "ana", "-P", "geheim"]);
    let login = format!("proxy = 'socks5://ana@127.0.0.1:{}'\nproxy-password-env = 'PROXY_PW'", closed.1);
    let with = |password: &str| list(&login, "", server.port(), &[("PROXY_PW", password)]);
    with("geheim").assert_exit(0);
    with("falsch").assert_failure(77, "auth");
    list(&proxy_at(closed.1), "", server.port(), &[]).assert_failure(78, "config");

    // The steps say who looks the name up.
    let world = world();
    let proxy = proxy_at(open.1);
    world.config(&world.account(
        "a",
        "pop3",
        server.port(),
        &format!("{proxy}\nca-file = '{}'", world.text("ca.pem")),
    ));
    let steps = world.postie(["--json", "test-account"]).run().assert_exit(0).of_type("step");
    let detail = |name: &str| steps.iter().find(|step| step["step"] == name).unwrap()["detail"].clone();
    assert!(detail("dns")["resolved_by"].as_str().unwrap().contains("127.0.0.1"));
    assert!(detail("dns")["addresses"].is_null() && detail("tcp")["proxy"].is_string());
}

#[test]
fn the_environment_s_proxy_is_for_other_machines_and_a_server_may_do_without() {
    let server = Pop3d::for_mailbox(&Mailbox::with(1)).mode(Mode::Implicit).start();
    let proxy = answering(&[&[5, 0], &[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]]);
    let all = format!("socks5h://127.0.0.1:{}", proxy.port());
    list("", "", server.port(), &[("ALL_PROXY", &all)]).assert_exit(0);
    assert!(proxy.journals().is_empty(), "this machine needs none");
    let world = world();
    let elsewhere = |env: &[(&str, &str)]| {
        let run = world.postie([
            "--json",
            "--timeout",
            "5s",
            "list",
            "--server",
            "pop3s://ana@mail.invalid",
            "--password-file",
            "secret",
        ]);
        env.iter().fold(run, |run, (name, value)| run.env(name, value)).run()
    };
    elsewhere(&[("ALL_PROXY", &all)]).assert_failure(69, "rejected");
    assert_eq!(proxy.journals().len(), 1);
    elsewhere(&[("ALL_PROXY", &all), ("NO_PROXY", "invalid")]).assert_failure(68, "no_host");
    elsewhere(&[("ALL_PROXY", "http://127.0.0.1:1")]).assert_failure(68, "no_host");
    for bad in [
        "socks5://u:S3CRET@127.0.0.1:1",
        "socks4://127.0.0.1:1",
        "socks5:/127.0.0.1:1",
        "socks5://x:99999",
        "?",
    ] {
        let run = elsewhere(&[("all_proxy", bad)]);
        let error = run.assert_failure(78, "config");
        assert!(error["message"].as_str().unwrap().starts_with("$all_proxy"), "{error}");
        assert!(error["hint"].is_string() && !run.out().contains("S3CRET") && !run.err().contains("S3CRET"));
        elsewhere(&[("all_proxy", bad), ("no_proxy", ".invalid")]).assert_failure(68, "no_host");
        list("", "", server.port(), &[("all_proxy", bad)]).assert_exit(0);
    }
}
