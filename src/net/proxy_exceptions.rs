//! Which hosts are reached without a proxy: this machine, and what `$NO_PROXY` lists. The same for mail and for HTTP.

use std::net::IpAddr;

/// Whether the host of a URL, or of a server, is this machine.
pub fn is_here(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost"),
    }
}

/// Whether the list has the host: `*`, a name (and all below it), an address, or a block of them (`10.0.0.0/8`).
pub fn is_excepted(host: &str, list: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    let entries = list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
    entries.map(str::to_ascii_lowercase).any(|entry| match (&address, entry.as_str()) {
        (_, "*") => true,
        (Some(address), entry) => in_block(*address, entry.trim_start_matches('[').trim_end_matches(']')),
        (None, entry) => {
            let name = entry.trim_start_matches('.').trim_end_matches('.');
            !name.is_empty()
                && host.strip_suffix(name).is_some_and(|left| left.is_empty() || left.ends_with('.'))
        }
    })
}

fn in_block(address: IpAddr, block: &str) -> bool {
    let (base, bits) = block.split_once('/').map_or((block, None), |(base, bits)| (base, Some(bits)));
    let octets = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let Ok(base) = base.parse::<IpAddr>() else { return false };
    let (own, base) = (octets(address), octets(base));
    let all = own.len() * 8;
    let bits = match bits.map(str::parse::<usize>) {
        None => all,
        Some(Ok(bits)) if bits <= all => bits,
        Some(_) => return false,
    };
    let bit = |octets: &[u8], at: usize| octets[at / 8] >> (7 - at % 8) & 1;
    own.len() == base.len() && (0..bits).all(|at| bit(&own, at) == bit(&base, at))
}
