//! What SASL makes of a context, with one that protects messages by a letter before them.

use super::*;

/// Wants `a`, then `b`; is established after that.
#[derive(Debug)]
struct Played {
    taken: usize,
    /// What it gives for the last token.
    last: &'static [u8],
}

impl SecurityContext for Played {
    fn step(&mut self, token: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        self.taken += 1;
        match (self.taken, token) {
            (1, b"a") => Ok(b"2".to_vec()),
            (2, b"b") => Ok(self.last.to_vec()),
            _ => Err(ExchangeFault::Nonsense("another token")),
        }
    }

    fn is_established(&self) -> bool {
        self.taken == 2
    }

    fn unwrap(&mut self, message: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        message.strip_prefix(b"s").map(<[u8]>::to_vec).ok_or(ExchangeFault::Nonsense("not the server's"))
    }

    fn wrap(&mut self, content: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        Ok([b"c", content].concat())
    }
}

fn client(last: &'static [u8]) -> GssapiClient<Played> {
    GssapiClient::new(Played { taken: 0, last }, b"1".to_vec(), "ana")
}

/// A client whose server is known.
fn established() -> GssapiClient<Played> {
    let mut client = client(b"");
    client.first();
    client.respond(b"a").unwrap();
    client.respond(b"b").unwrap();
    client
}

#[test]
fn tokens_go_both_ways_then_no_layer_is_chosen_and_the_user_named() {
    for last in [&b""[..], b"3"] {
        let mut client = client(last);
        assert_eq!(client.first().unwrap(), b"1");
        assert_eq!(client.respond(b"a").unwrap(), b"2");
        assert_eq!(client.respond(b"b").unwrap(), last);
        assert!(!client.is_done());
        assert_eq!(client.respond(b"s\x01\0\0\0").unwrap(), b"c\x01\0\0\0ana");
        assert!(client.is_done() && !client.may_be_asked());
        assert!(client.respond(b"s\x01\0\0\0").is_err(), "there is nothing left to ask");
    }
}

#[test]
fn the_offer_must_have_no_layer_in_it_and_make_sense() {
    for (offer, fine) in [
        (&b"\x01\0\0\0"[..], true),
        (b"\x01\xff\xff\xff", true),
        (b"\x07\x00\x40\x00", true),
        (b"\x05\0\0\x01", true),
        // A layer that does not exist yet, beside none.
        (b"\x81\0\0\0", true),
        (b"\x01\0\x40\0", false),
        (b"\x01\0\0\x01", false),
        (b"\x81\0\0\x01", false),
        (b"\0\0\0\0", false),
        (b"\x80\0\0\0", false),
        (b"", false),
        (b"\x01", false),
        (b"\x01\0\0", false),
        (b"\x01\0\0\0\0", false),
        (b"\x01\0\0\0ana", false),
    ] {
        let mut client = established();
        let answer = client.respond(&[b"s", offer].concat());
        assert_eq!(answer.is_ok(), fine, "{offer:?}");
        assert_eq!(client.is_done(), fine, "{offer:?}");
        assert!(fine || matches!(answer, Err(ExchangeFault::Nonsense(_))), "{offer:?}");
    }
    for offer in [b"\x02\0\x40\0", b"\x04\0\x40\0", b"\x06\xff\xff\xff"] {
        match established().respond(&[&b"s"[..], offer].concat()) {
            Err(ExchangeFault::Failed(failure)) => assert_eq!(failure.kind(), Kind::Missing, "{offer:?}"),
            other => panic!("{offer:?}: {other:?}"),
        }
    }
}

#[test]
fn what_the_server_did_not_protect_is_not_believed() {
    for message in [&b"\x01\0\0\0"[..], b"c\x01\0\0\0", b""] {
        let mut client = established();
        assert!(matches!(client.respond(message), Err(ExchangeFault::Nonsense(_))), "{message:?}");
        assert!(!client.is_done() && client.conclude(b"welcome").is_err());
    }
}

#[test]
fn a_server_that_does_not_go_on_or_lets_in_too_early_is_not_believed() {
    for token in [&b""[..], b"x", b"s\x01\0\0\0"] {
        let mut client = client(b"");
        client.first();
        assert!(matches!(client.respond(token), Err(ExchangeFault::Nonsense(_))), "{token:?}");
    }
    let mut client = client(b"");
    client.first();
    assert!(!client.is_done() && client.conclude(b"welcome").is_err());
    client.respond(b"a").unwrap();
    assert!(!client.is_done() && client.conclude(b"welcome").is_err());
    assert!(!established().is_done());
}

#[test]
fn nothing_of_it_is_shown() {
    assert!(!format!("{:?}", client(b"")).contains("Played"));
}
