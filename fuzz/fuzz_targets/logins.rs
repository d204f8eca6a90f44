//! What servers and proxies say at a login: no octets make SCRAM believe a server that does not know the password, and none
//! make the proxy's negotiation ask for more than a message has room for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::codec::sasl::{Credentials, Exchange, Mechanism, ExchangeSetting};
use postie::codec::socks::{Negotiation, SocksProgress, ProxyLogin};
use postie::words::{Failure, Secret};

fuzz_target!(|data: &[u8]| {
    let credentials =
        Credentials { user: "ana".into(), secret: Secret::new("pw"), host: "mail.test".into(), port: 995 };
    for mechanism in [Mechanism::SCRAM_SHA_256, Mechanism::SCRAM_SHA_1] {
        let setting = ExchangeSetting {
            binding: None,
            in_clear: false,
            offered: &[],
            random: [7; 18],
            // Long computations are for servers that are real.
            go_on: Box::new(|| Err(Failure::config("long enough"))),
            helper: None,
        };
        let Ok(mut exchange) = Exchange::start(mechanism, &credentials, setting) else { return };
        exchange.initial(usize::MAX);
        for line in data.split(|octet| *octet == b'\n').take(4) {
            let answered = exchange.answer(line).is_ok();
            assert!(exchange.accept(line).is_err(), "nobody has proven anything");
            if !answered {
                break;
            }
        }
    }
    for mechanism in Mechanism::ALL {
        if mechanism.name().starts_with("SCRAM") {
            continue;
        }
        let setting = ExchangeSetting {
            binding: None,
            in_clear: false,
            offered: &[],
            random: [7; 18],
            go_on: Box::new(|| Ok(())),
            helper: None,
        };
        let Ok(mut exchange) = Exchange::start(mechanism, &credentials, setting) else { continue };
        exchange.initial(data.len());
        for line in data.split(|octet| *octet == b'\n').take(8) {
            if exchange.answer(line).is_err() || exchange.accept(line).is_ok() {
                break;
            }
            let _ = exchange.complaint();
        }
    }
    let login = ProxyLogin { user: "ana".into(), password: Secret::new("pw") };
    for login in [None, Some(&login)] {
        let Some(mut negotiation) = Negotiation::new("mail.test", 995, login) else { return };
        let mut rest = data;
        while let Some((now, more)) = rest.split_at_checked(negotiation.wants()) {
            rest = more;
            assert!((1..=257).contains(&now.len()));
            match negotiation.take(now) {
                Ok(SocksProgress::Send(message)) => assert!(message.expose().len() < 600),
                Ok(SocksProgress::Read) => {}
                Ok(SocksProgress::Done) | Err(_) => break,
            }
        }
    }
});
