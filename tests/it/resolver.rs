//! What the name servers are asked, and which answers are taken.

use crate::support::named::{Named, Record, Say};
use postie::codec::dns::{self, RecordType};
use postie::net::{Limits, NameOverrides, NetError, Resolver};
use std::time::{Duration, Instant};

fn resolver(named: &Named, limits: Limits) -> Resolver {
    let names = NameOverrides::read(Some(&named.address()), None).unwrap();
    Resolver::new(&Limits { names, ..limits })
}

fn ask(say: Say, kind: RecordType) -> (Result<Vec<dns::Record>, NetError>, Vec<String>) {
    let named = Named::start(move |_, _| say.clone());
    let patient = Limits { timeout: Duration::from_secs(30), ..Limits::default() };
    let answer = resolver(&named, patient).ask("Own.test.", kind);
    (answer, named.asked())
}

fn mx() -> Vec<dns::Record> {
    vec![dns::Record::Mx { preference: 10, host: "mx.own.test".into() }]
}

#[test]
fn an_answer_is_taken_whole_by_udp_or_by_tcp_and_from_an_old_server() {
    let records = || vec![Record::Mx(10, "mx.own.test")];
    for (say, questions) in
        [(Say::Records(records()), 1), (Say::TooLong(records()), 2), (Say::OldServer(records()), 2)]
    {
        let (answer, asked) = ask(say.clone(), RecordType::Mx);
        assert_eq!(answer.unwrap(), mx(), "{say:?}");
        assert_eq!(asked, vec!["MX own.test".to_owned(); questions], "{say:?}");
    }
}

#[test]
fn what_somebody_sends_who_guesses_is_passed_over() {
    let (answer, asked) = ask(Say::AfterLies(vec![Record::Mx(10, "mx.own.test")]), RecordType::Mx);
    assert_eq!(answer.unwrap(), mx());
    assert_eq!(asked.len(), 1);
}

#[test]
fn a_name_that_does_not_exist_a_server_that_refuses_and_silence_are_told_apart() {
    let (none, _) = ask(Say::NoSuchName, RecordType::Mx);
    assert!(matches!(none, Err(NetError::NoSuchHost(_))), "{none:?}");
    let (empty, _) = ask(Say::Records(vec![]), RecordType::Mx);
    assert_eq!(empty.unwrap(), []);
    let (refused, asked) = ask(Say::Refused, RecordType::Mx);
    assert!(matches!(&refused, Err(NetError::NameService(what)) if what.contains("error 5")), "{refused:?}");
    assert!(asked.len() > 1, "it is asked again");
    let named = Named::start(|_, _| Say::Silent);
    let short = Limits { timeout: Duration::from_millis(300), ..Limits::default() };
    let silent = resolver(&named, short).ask("own.test", RecordType::A);
    assert!(matches!(silent, Err(NetError::NameService(_))), "{silent:?}");
    let over = Limits { end: Some(Instant::now() + Duration::from_millis(300)), ..Limits::default() };
    let silent = resolver(&named, over).ask("own.test", RecordType::A);
    assert!(matches!(silent, Err(NetError::RunOver)), "{silent:?}");
}

#[test]
fn an_alias_leads_to_its_addresses() {
    let named = Named::start(|_, kind| match kind {
        simple_dns::TYPE::A => Say::Records(vec![Record::Alias("other.test")]),
        _ => Say::Records(vec![]),
    });
    let found = resolver(&named, Limits::default()).addresses("own.test").unwrap();
    assert_eq!(found, ["127.0.0.1".parse::<std::net::IpAddr>().unwrap()]);
}
