//! Every mechanism through an exchange.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn setting(offered: &[String]) -> ExchangeSetting<'_> {
    ExchangeSetting {
        binding: None,
        in_clear: false,
        offered,
        random: [7; 18],
        go_on: Box::new(|| Ok(())),
        helper: None,
    }
}

fn start(mechanism: Mechanism, credentials: &Credentials) -> Exchange {
    Exchange::start(mechanism, credentials, setting(&[])).unwrap()
}

fn credentials(user: &str, secret: &str) -> Credentials {
    Credentials { user: user.into(), secret: Secret::new(secret), host: "mail.example.org".into(), port: 995 }
}

fn decoded(response: &ClientResponse) -> Vec<u8> {
    STANDARD.decode(response.line.expose()).unwrap()
}

fn answer(exchange: &mut Exchange, challenge: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
    exchange.answer(STANDARD.encode(challenge).as_bytes()).map(|answer| decoded(&answer))
}

#[test]
fn plain_speaks_first_or_when_asked() {
    let c = credentials("tim", "tanstaaftanstaaf");
    for longest in [1000, 3] {
        let mut exchange = start(Mechanism::Plain, &c);
        assert!(exchange.accept(b"").is_err());
        let first = match exchange.initial(longest) {
            Some(first) => decoded(&first),
            None => answer(&mut exchange, b"").unwrap(),
        };
        assert_eq!(first, b"\0tim\0tanstaaftanstaaf");
        assert!(exchange.accept(b"").is_ok());
        assert!(answer(&mut exchange, b"").is_err());
    }
}

#[test]
fn login_answers_by_order_whatever_the_prompts() {
    let mut exchange = start(Mechanism::Login, &credentials("tim", "pw"));
    assert!(exchange.initial(1000).is_none());
    assert_eq!(answer(&mut exchange, b"User Name\0").unwrap(), b"tim");
    assert!(exchange.accept(b"").is_err());
    assert_eq!(decoded(&exchange.answer(b"Password, please!").unwrap()), b"pw", "prose");
    assert!(exchange.accept(b"").is_ok());
    assert!(answer(&mut exchange, b"again?").is_err());
}

#[test]
fn cram_md5_matches_the_example_of_rfc_2195() {
    let c = credentials("tim", "tanstaaftanstaaf");
    let mut exchange = start(Mechanism::CramMd5, &c);
    let response = answer(&mut exchange, b"<1896.697170952@postoffice.reston.mci.net>").unwrap();
    assert_eq!(response, b"tim b913a602c7eda7a495b4e6e7334d3890");
}

#[test]
fn a_challenge_that_is_no_base64_makes_no_sense_where_it_is_to_be_digested() {
    let c = credentials("tim", "tanstaaftanstaaf");
    for challenge in [&b"!!!"[..], b"ready", b"PDE4OTY", b"=", b"\xff"] {
        let mut exchange = start(Mechanism::CramMd5, &c);
        assert!(matches!(exchange.answer(challenge), Err(ExchangeFault::Nonsense(_))), "{challenge:?}");
    }
}

#[test]
fn apop_matches_the_example_of_rfc_1939() {
    let digest = apop_digest("<1896.697170952@dbc.mtview.ca.us>", &Secret::new("tanstaaf"));
    assert_eq!(digest, "c4c9334bac560ecc979e58001b3e22fb");
}

#[test]
fn a_refused_token_is_acknowledged_and_the_reason_kept() {
    let c = credentials("a=b,c", "token");
    let mut exchange = start(Mechanism::OAuthBearer, &c);
    assert_eq!(
        decoded(&exchange.initial(1000).unwrap()),
        b"n,a=a=3Db=2Cc,\x01host=mail.example.org\x01port=995\x01auth=Bearer token\x01\x01"
    );
    assert_eq!(answer(&mut exchange, b"{\"status\":\"401\"}").unwrap(), b"\x01");
    assert_eq!(exchange.complaint(), Some(&b"{\"status\":\"401\"}"[..]));
    let mut exchange = start(Mechanism::XOAuth2, &c);
    let first = decoded(&exchange.initial(1000).unwrap());
    assert_eq!(first, b"user=a=b,c\x01auth=Bearer token\x01\x01");
    assert!(answer(&mut exchange, b"{}").unwrap().is_empty());
}

#[test]
fn names_are_found_whatever_their_case_and_the_best_is_chosen() {
    assert_eq!(Mechanism::from_name("cram-md5"), Some(Mechanism::CramMd5));
    assert_eq!(Mechanism::from_name("NTLM"), None);
    let offered = |names: &str| names.split(' ').map(str::to_owned).collect::<Vec<_>>();
    for (names, is_token, best) in [
        ("CRAM-MD5 LOGIN PLAIN", false, Some(Mechanism::Plain)),
        ("CRAM-MD5 LOGIN XOAUTH2", false, Some(Mechanism::Login)),
        ("GSSAPI CRAM-MD5", false, Some(Mechanism::CramMd5)),
        ("SCRAM-SHA-1 SCRAM-SHA-256 PLAIN", false, Some(Mechanism::Plain)),
        ("CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256", false, Some(Mechanism::SCRAM_SHA_256)),
        ("GSSAPI NTLM EXTERNAL SCRAM-SHA-256-PLUS", false, None),
        ("OAUTHBEARER XOAUTH2 PLAIN", true, Some(Mechanism::XOAuth2)),
        ("OAUTHBEARER PLAIN", true, Some(Mechanism::OAuthBearer)),
        ("PLAIN LOGIN", true, None),
        ("XOAUTH2 SCRAM-SHA-256", false, Some(Mechanism::SCRAM_SHA_256)),
    ] {
        assert_eq!(Mechanism::choose(&offered(names), is_token, false), best, "{names}");
    }
    for (names, best) in [
        ("PLAIN SCRAM-SHA-256", Some(Mechanism::SCRAM_SHA_256)),
        ("PLAIN LOGIN CRAM-MD5", Some(Mechanism::CramMd5)),
        ("LOGIN", Some(Mechanism::Login)),
        ("GSSAPI NTLM", None),
    ] {
        assert_eq!(Mechanism::choose(&offered(names), false, true), best, "in clear: {names}");
    }
}

#[test]
fn control_characters_are_refused_in_user_and_secret() {
    for octet in (0..32).chain([127]) {
        let odd = format!("a{}b", char::from(octet));
        assert!(credentials(&odd, "x").check().is_err(), "user with {octet}");
        assert!(credentials("x", &odd).check().is_err(), "secret with {octet}");
    }
    assert!(credentials("\u{e4}na", "p\u{e4}ss \"%41\\ word").check().is_ok());
}

/// A program that answers whatever it is asked.
#[derive(Debug)]
struct Tireless;

impl MechanismClient for Tireless {
    fn first(&mut self) -> Option<Vec<u8>> {
        None
    }
    fn respond(&mut self, _: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        Ok(b"x".to_vec())
    }
    fn is_done(&self) -> bool {
        true
    }
    fn may_be_asked(&self) -> bool {
        true
    }
}

impl Helper for Tireless {
    fn start(
        &self,
        _: MechanismName,
        _: &Credentials,
        _: Option<&ChannelBinding>,
    ) -> Result<Box<dyn MechanismClient>, Failure> {
        Ok(Box::new(Tireless))
    }
}

#[test]
fn a_server_that_asks_without_end_gets_no_answer_at_last() {
    let c = credentials("tim", "x");
    let mut setting = setting(&[]);
    setting.helper = Some(&Tireless);
    let mut exchange = Exchange::start(Mechanism::Plain, &c, setting).unwrap();
    for _ in 0..100 {
        assert!(exchange.answer(b"eA==").is_ok(), "some mechanisms take many steps");
    }
    assert!((0..1000).any(|_| matches!(exchange.answer(b"eA=="), Err(ExchangeFault::Nonsense(_)))));
    assert!(exchange.answer(b"eA==").is_err());
}
