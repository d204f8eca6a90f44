//! Verifies a server's certificate, and says what is wrong with one that is refused.

use super::roots::Roots;
use crate::net::certificate::Certificate;
use crate::net::error::{Distrust, Untrusted};
use crate::words::clock;
use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509CheckFlags, X509VerifyFlags, X509VerifyParam, X509VerifyParamRef};
use openssl::x509::{X509, X509PurposeId, X509Ref, X509StoreContext, X509StoreContextRef, X509VerifyResult};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// OpenSSL's codes (`x509_vfy.h`) for a certificate that does not lead to a trusted authority.
const NO_AUTHORITY: [i32; 6] = [2, 18, 19, 20, 21, 27];
const NOT_YET_VALID: i32 = 9;
const HAS_EXPIRED: i32 = 10;
const OTHER_HOST: [i32; 2] = [62, 64];

/// Judges the certificates of one server in one handshake.
pub(super) struct Judge {
    pub roots: Arc<Roots>,
    pub host: String,
    pub refusal: Arc<Mutex<Option<Untrusted>>>,
}

impl Judge {
    /// OpenSSL's verify callback, called for every certificate and for every fault: whether to go on.
    pub fn go_on(&self, fine: bool, context: &mut X509StoreContextRef) -> bool {
        if fine {
            return true;
        }
        match self.ask_all(context) {
            Ok(Some(X509VerifyResult::OK)) => {
                context.set_error(X509VerifyResult::OK);
                return true;
            }
            Ok(Some(verdict)) => context.set_error(verdict),
            Ok(None) | Err(_) => {}
        }
        let found = self.refuse(context);
        if let Ok(mut refusal) = self.refusal.lock() {
            refusal.get_or_insert(found);
        }
        false
    }

    /// Verifies against all trusted authorities, if only a part was used before.
    fn ask_all(&self, context: &X509StoreContextRef) -> Result<Option<X509VerifyResult>, ErrorStack> {
        if !self.roots.has_more() {
            return Ok(None);
        }
        let ssl = context.ex_data(X509StoreContext::ssl_idx()?);
        // Before OpenSSL 3 only the chain built so far is available here.
        let shown = ssl.and_then(|ssl| ssl.peer_cert_chain()).or_else(|| context.chain());
        let Some((leaf, shown)) = shown.and_then(|shown| Some((shown.get(0)?, shown))) else {
            return Ok(None);
        };
        let mut param = X509VerifyParam::new()?;
        param.set_purpose(X509PurposeId::SSL_SERVER)?;
        param.set_auth_level(ssl.and_then(|ssl| i32::try_from(ssl.security_level()).ok()).unwrap_or(1));
        expect_host(&mut param, &self.host)?;
        let mut chain = Stack::new()?;
        for certificate in shown {
            chain.push(certificate.to_owned())?;
        }
        verify(self.roots.all()?, &param, leaf, &chain).map(Some)
    }

    fn refuse(&self, context: &X509StoreContextRef) -> Untrusted {
        let verdict = context.error();
        let judged = context.current_cert().and_then(read);
        let leaf = context.chain().and_then(|chain| chain.get(0));
        let certificate = leaf.and_then(read);
        // If something besides a missing authority is wrong, trusting one would not help.
        let now = clock::now();
        let cause = match verdict.as_raw() {
            HAS_EXPIRED => judged.map(|it| Distrust::Expired(it.not_after)),
            NOT_YET_VALID => judged.map(|it| Distrust::NotYetValid(it.not_before)),
            code if OTHER_HOST.contains(&code) => Some(Distrust::OtherName),
            code if NO_AUTHORITY.contains(&code) => Some(match &certificate {
                Some(it) if it.not_after < now => Distrust::Expired(it.not_after),
                Some(it) if it.not_before > now => Distrust::NotYetValid(it.not_before),
                _ if leaf.is_some_and(|leaf| !is_for(leaf, &self.host)) => Distrust::OtherName,
                _ => Distrust::NoAuthority,
            }),
            _ => None,
        };
        Untrusted {
            cause: cause.unwrap_or(Distrust::Other),
            reason: verdict.error_string().to_owned(),
            host: self.host.clone(),
            certificate,
        }
    }
}

fn read(certificate: &X509Ref) -> Option<Certificate> {
    Certificate::from_der(&certificate.to_der().ok()?)
}

/// A host name is compared with the certificate's names, an IP address with its addresses.
pub(super) fn expect_host(param: &mut X509VerifyParamRef, host: &str) -> Result<(), ErrorStack> {
    param.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS);
    match host.parse::<IpAddr>() {
        Ok(address) => param.set_ip(address),
        Err(_) => param.set_host(host),
    }
}

fn verify(
    mut store: X509StoreBuilder,
    param: &X509VerifyParamRef,
    leaf: &X509Ref,
    chain: &Stack<X509>,
) -> Result<X509VerifyResult, ErrorStack> {
    store.set_param(param)?;
    X509StoreContext::new()?.init(&store.build(), leaf, chain, |context| {
        let fine = context.verify_cert()?;
        Ok(match context.error() {
            // A failed verification never counts as a good one.
            X509VerifyResult::OK if !fine => X509VerifyResult::APPLICATION_VERIFICATION,
            verdict => verdict,
        })
    })
}

/// Whether a certificate is for `host`, whatever its issuer and dates.
fn is_for(certificate: &X509Ref, host: &str) -> bool {
    let judge = || -> Result<X509VerifyResult, ErrorStack> {
        let mut store = X509StoreBuilder::new()?;
        store.add_cert(certificate.to_owned())?;
        let mut param = X509VerifyParam::new()?;
        param.set_flags(X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::NO_CHECK_TIME)?;
        expect_host(&mut param, host)?;
        verify(store, &param, certificate, &Stack::new()?)
    };
    judge().is_ok_and(|verdict| !OTHER_HOST.contains(&verdict.as_raw()))
}
