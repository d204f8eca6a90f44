//! fetch from Dovecot.

use crate::support::real::Real;

#[test]
fn the_servers_start() {
    let Some(real) = Real::start("the_servers_start") else { return };
    println!("{}", real.log());
}
