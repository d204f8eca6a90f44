//! What a connection brings to a login over it.

use super::{NetError, Wire};
use crate::codec::sasl::{Exchange, ExchangeSetting, GoOn, Login, Mechanism};
use crate::words::{Failure, Kind, Stage};
use std::time::Instant;

const STAGE: Stage = Stage::Authentication;

/// Begins the exchange of a login over this wire with a server that offers these mechanisms. Fails as
/// [`Exchange::start`] does.
pub fn exchange<M>(
    wire: &Wire,
    mechanism: Mechanism,
    login: &Login<M>,
    offered: &[String],
) -> Result<Exchange, Failure> {
    let mut random = [0; 18];
    getrandom::fill(&mut random).map_err(|error| {
        let message = format!("{STAGE}: the system gives no random numbers: {error}");
        Failure::new(Kind::Internal, STAGE, message).at(wire.place())
    })?;
    let setting = ExchangeSetting {
        binding: wire.tls().and_then(|tls| tls.binding.as_ref()),
        in_clear: wire.tls().is_none(),
        offered,
        random,
        go_on: go_on(wire),
        helper: login.helper.as_deref(),
    };
    Exchange::start(mechanism, &login.credentials, setting)
        .map_err(|failure| failure.at_least_at(wire.place()))
}

/// Fails once a signal came, or the time of an operation or of the run is over.
fn go_on(wire: &Wire) -> GoOn {
    let (limits, place) = (wire.limits().clone(), wire.place().to_owned());
    let until = limits.until(limits.timeout);
    Box::new(move || {
        let error = match () {
            () if limits.stop.raised() => NetError::Stopped,
            () if limits.run_over() => NetError::RunOver,
            () if Instant::now() >= until => NetError::Timeout,
            () => return Ok(()),
        };
        Err(error.failure(&place, STAGE))
    })
}
