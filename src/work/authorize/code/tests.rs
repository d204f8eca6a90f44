use super::*;
use crate::account::oauth::EndpointAnswer as HttpAnswer;
use crate::codec::oauth::{FormValue, Proof, Request};
use crate::net::Stop;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::fd::AsFd as _;
use sha2::{Digest as _, Sha256};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Mutex, mpsc};
use std::thread;

/// A token endpoint that gives a token to whoever asks, and notes what it was asked.
#[derive(Default)]
struct Generous(Mutex<Vec<Asked>>);

/// An address, and the fields of the form.
type Asked = (String, Vec<(String, String)>);

impl TokenEndpoint for Generous {
    fn post(&self, url: &str, request: &Request) -> Result<HttpAnswer, Failure> {
        let text = |value: &FormValue| match value {
            FormValue::Open(text) => text.clone(),
            FormValue::Secret(secret) => String::from_utf8(secret.expose().to_vec()).unwrap(),
        };
        let fields = request.form.fields().map(|(name, value)| (name.to_owned(), text(value))).collect();
        self.0.lock().unwrap().push((url.to_owned(), fields));
        let body = br#"{"access_token":"AT","refresh_token":"RT","token_type":"Bearer","expires_in":60}"#;
        Ok(HttpAnswer { status: 200, body: body.to_vec().into() })
    }
}

/// How a login ended, and what the endpoint was asked for.
struct Played {
    result: Result<Result<Granted, Rejection>, Failure>,
    asked: Vec<Asked>,
    complaints: Vec<String>,
}

/// Runs a login while `person` does something with its address.
fn play(
    redirect: &Redirect,
    limits: &Limits,
    typed: Option<&mut Typed<'_>>,
    person: impl FnOnce(String) + Send,
) -> Played {
    let client = Client { id: "client".into(), proof: Proof::None };
    let login = CodeLogin {
        client: &client,
        authorize: "https://as.example/authorize",
        token: "https://as.example/token",
        issuer: Some("https://as.example"),
        names_itself: true,
        scopes: &["mail".to_owned()],
        parameters: &[],
        resource: None,
        redirect,
    };
    let endpoint = Generous::default();
    let (sender, addresses) = mpsc::channel::<String>();
    let mut complaints = Vec::new();
    let result = thread::scope(|scope| {
        scope.spawn(move || {
            if let Ok(address) = addresses.recv() {
                person(address);
            }
        });
        let mut tell = |told: Told<'_>| match told {
            Told::Visit { url, .. } => sender.send(url.to_owned()).unwrap(),
            Told::NotThat(what) => complaints.push(what.to_owned()),
            other => panic!("{other:?}"),
        };
        let result = login.run(&endpoint, typed, limits, &mut tell);
        drop(sender);
        result
    });
    Played { result, asked: endpoint.0.into_inner().unwrap(), complaints }
}

fn value(url: &str, name: &str) -> String {
    let query = url.split_once('?').unwrap().1;
    form_urlencoded::parse(query.as_bytes()).find(|(found, _)| found == name).unwrap().1.into_owned()
}

/// Asks the listener of this login for a page.
fn visit(address: &str, target: &str) -> String {
    let port: u16 =
        value(address, "redirect_uri").rsplit(':').next().unwrap().trim_end_matches("/back").parse().unwrap();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

/// What the server sends the browser back with.
fn answer(address: &str, what: &str) -> String {
    format!("?{what}&state={}&iss=https://as.example", value(address, "state"))
}

fn kind(played: &Played) -> Kind {
    played.result.as_ref().unwrap_err().kind()
}

#[test]
fn the_code_goes_to_the_token_endpoint_with_what_proves_who_asked() {
    let (sender, address) = mpsc::channel();
    let played = play(&Redirect::default(), &Limits::default(), None, move |address| {
        for junk in ["/favicon.ico", "/?code=x", "/?code=x&state=wrong", "/other?code=x", "/"] {
            assert!(visit(&address, junk).contains("404"), "{junk}");
        }
        let page = visit(&address, &format!("/{}", answer(&address, "code=thecode%21")));
        assert!(page.contains("has the answer"), "{page}");
        sender.send(address).unwrap();
    });
    let address = address.recv().unwrap();
    assert_eq!(played.result.unwrap().unwrap().tokens.access_token.expose(), b"AT");
    let [(url, fields)] = &played.asked[..] else { panic!("{:?}", played.asked) };
    assert_eq!(url, "https://as.example/token");
    let field = |name: &str| fields.iter().find(|(found, _)| found == name).unwrap().1.as_str();
    assert_eq!((field("grant_type"), field("client_id")), ("authorization_code", "client"));
    assert_eq!(
        (field("code"), field("redirect_uri")),
        ("thecode!", value(&address, "redirect_uri").as_str())
    );
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier")));
    assert_eq!(challenge, value(&address, "code_challenge"));
}

#[test]
fn a_no_and_the_answer_of_another_server_end_it_without_asking_for_a_token() {
    for (what, wanted, words) in [
        ("error=access_denied&error_description=Ana+said+no", Kind::Auth, "access_denied: Ana said no"),
        ("error=temporarily_unavailable", Kind::Deferred, "temporarily_unavailable"),
        ("error=invalid_scope", Kind::Config, "invalid_scope"),
    ] {
        let played = play(&Redirect::default(), &Limits::default(), None, |address| {
            assert!(visit(&address, &format!("/{}", answer(&address, what))).contains("refused"));
        });
        assert_eq!(kind(&played), wanted, "{what}");
        assert!(played.result.unwrap_err().message.contains(words), "{what}");
        assert!(played.asked.is_empty());
    }
    for issuer in ["", "&iss=https://evil.example"] {
        let played = play(&Redirect::default(), &Limits::default(), None, |address| {
            visit(&address, &format!("/?code=c&state={}{issuer}", value(&address, "state")));
        });
        assert_eq!(kind(&played), Kind::Protocol, "{issuer}");
        assert!(played.asked.is_empty());
    }
}

#[test]
fn the_address_can_be_pasted_and_what_makes_no_sense_is_asked_for_again() {
    for redirect in [Redirect::default(), Redirect::read("https://page.example/code").unwrap()] {
        let (from, to) = rustix::pipe::pipe().unwrap();
        let mut typed = Typed::new(from.as_fd(), b"what is this?\n".to_vec());
        let played = play(&redirect, &Limits::default(), Some(&mut typed), move |address| {
            let good = format!("https://page.example/code{}", answer(&address, "code=c"));
            for line in ["", "http://127.0.0.1/?code=x&state=y", &good] {
                rustix::io::write(&to, format!("{line}\n").as_bytes()).unwrap();
            }
        });
        assert!(played.result.unwrap().is_ok());
        assert_eq!(played.complaints.len(), 2, "{:?}", played.complaints);
        assert_eq!(played.asked.len(), 1);
    }
}

#[test]
fn without_a_listener_and_without_anybody_who_types_it_does_not_wait() {
    let elsewhere = Redirect::read("https://page.example/code").unwrap();
    let played = play(&elsewhere, &Limits::default(), None, |_| {});
    assert_eq!(kind(&played), Kind::Config);
    let (from, to) = rustix::pipe::pipe().unwrap();
    drop(to);
    let mut typed = Typed::new(from.as_fd(), Vec::new());
    assert_eq!(kind(&play(&elsewhere, &Limits::default(), Some(&mut typed), |_| {})), Kind::Config);
    // The browser may still come, where there is a listener.
    let (from, to) = rustix::pipe::pipe().unwrap();
    drop(to);
    let mut typed = Typed::new(from.as_fd(), Vec::new());
    let played = play(&Redirect::default(), &Limits::default(), Some(&mut typed), |address| {
        visit(&address, &format!("/{}", answer(&address, "code=c")));
    });
    assert!(played.result.unwrap().is_ok());
}

#[test]
fn a_port_and_a_path_can_be_chosen_and_a_port_that_is_taken_is_said() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let redirect = Redirect::read(&format!("http://localhost:{port}/back")).unwrap();
    assert_eq!(redirect, Redirect::Loopback { name: LoopbackName::Name, port, path: "/back".into() });
    assert_eq!(kind(&play(&redirect, &Limits::default(), None, |_| {})), Kind::Locked);
    drop(taken);
    let played = play(&redirect, &Limits::default(), None, move |address| {
        assert_eq!(value(&address, "redirect_uri"), format!("http://localhost:{port}/back"));
        assert!(visit(&address, &format!("/{}", answer(&address, "code=c"))).contains("404"));
        visit(&address, &format!("/back{}", answer(&address, "code=c")));
    });
    assert!(played.result.unwrap().is_ok());
}

#[test]
fn addresses_that_a_client_is_registered_with_are_told_apart() {
    let loopback = |name, port, path: &str| Redirect::Loopback { name, port, path: path.into() };
    for (uri, wanted) in [
        ("http://127.0.0.1", loopback(LoopbackName::Address, 0, "")),
        ("http://localhost", loopback(LoopbackName::Name, 0, "")),
        ("http://localhost/", loopback(LoopbackName::Name, 0, "/")),
        ("http://127.0.0.1:99/a/b", loopback(LoopbackName::Address, 99, "/a/b")),
        ("https://localhost", Redirect::Elsewhere("https://localhost".into())),
        ("https://page.example/code", Redirect::Elsewhere("https://page.example/code".into())),
        ("http://localhost/?x", Redirect::Elsewhere("http://localhost/?x".into())),
    ] {
        assert_eq!(Redirect::read(uri).unwrap(), wanted, "{uri}");
    }
    for bad in ["http://page.example", "urn:ietf:wg:oauth:2.0:oob", "", "localhost"] {
        assert!(Redirect::read(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_time_of_the_run_ends_it_and_a_signal_does() {
    let soon = Limits { end: Some(Instant::now() + Duration::from_millis(50)), ..Limits::default() };
    assert_eq!(kind(&play(&Redirect::default(), &soon, None, |_| {})), Kind::Timeout);
    // A signal whose default action is to be ignored: other tests of this process do not use it.
    let stop = Stop::on_signals(&[signal_hook::consts::SIGWINCH]).unwrap();
    let limits = Limits { stop, ..Limits::default() };
    let played = play(&Redirect::default(), &limits, None, |_| {
        signal_hook::low_level::raise(signal_hook::consts::SIGWINCH).unwrap();
    });
    assert_eq!(kind(&played), Kind::Interrupted);
}
