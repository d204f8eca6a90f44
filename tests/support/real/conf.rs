//! How Dovecot and Postfix are configured.

use super::{MAIL_OWNER, free_port};
use std::path::Path;

/// Where they listen.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub pop3: u16,
    pub pop3s: u16,
    pub imap: u16,
    pub imaps: u16,
    pub lmtp: u16,
    pub auth: u16,
    pub smtp: u16,
    pub smtps: u16,
}

impl Ports {
    /// Ports that nobody has.
    pub fn free() -> Ports {
        let [pop3, pop3s, imap, imaps, lmtp, auth, smtp, smtps] = std::array::from_fn(|_| free_port());
        Ports { pop3, pop3s, imap, imaps, lmtp, auth, smtp, smtps }
    }

    /// Those on which the servers listen, once they do.
    pub fn awaited(self, imap: bool, postfix: bool) -> Vec<u16> {
        let mut ports = vec![self.pop3, self.pop3s, self.lmtp, self.auth];
        ports.extend(imap.then_some([self.imap, self.imaps]).into_iter().flatten());
        ports.extend(postfix.then_some([self.smtp, self.smtps]).into_iter().flatten());
        ports
    }
}

/// Dovecot's configuration; with IMAP where that is there.
pub fn dovecot_conf(root: &Path, ports: Ports, imap: bool) -> String {
    let root = root.display();
    let Ports { pop3, pop3s, lmtp, auth, .. } = ports;
    let (protocols, imap) = match imap {
        true => ("pop3 imap lmtp", imap_conf(&root.to_string(), ports)),
        false => ("pop3 lmtp", String::new()),
    };
    format!(
        "base_dir = {root}/run
state_dir = {root}/state
instance_name = postie-test
log_path = {root}/dovecot.log
protocols = {protocols}
listen = 127.0.0.1
ssl = yes
ssl_cert = <{root}/cert.pem
ssl_key = <{root}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login apop cram-md5
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {root}/users
}}
userdb {{
  driver = passwd-file
  args = {root}/users
}}
first_valid_uid = {MAIL_OWNER}
mail_location = maildir:~/Maildir
mail_fsync = never
mail_max_userip_connections = 100
pop3_no_flag_updates = yes
pop3_uidl_format = %g
auth_username_format = %Ln
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
  service_count = 0
}}
{imap}service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {auth}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"
    )
}

fn imap_conf(root: &str, Ports { imap, imaps, .. }: Ports) -> String {
    format!(
        "service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
  service_count = 0
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
  }}
}}
protocol imap {{
  rawlog_dir = {root}/rawlog
}}
"
    )
}

/// Postfix's main.cf.
pub fn main_cf(root: &Path, daemons: &str, ports: Ports) -> String {
    let root = root.display();
    format!(
        "compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
maillog_file = {root}/postfix.log
maillog_file_prefixes = {root}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.test
mydestination =
mynetworks =
virtual_mailbox_domains = mail.test
virtual_mailbox_maps = inline:{{{{ana@mail.test=ana}},{{bob@mail.test=bob}}}}
virtual_transport = lmtp:inet:127.0.0.1:{}
default_transport = error:no way out of the test
relay_domains =
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_sasl_authenticated, reject
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{}
smtpd_sasl_security_options = noanonymous
smtpd_tls_security_level = may
smtpd_tls_cert_file = {root}/cert.pem
smtpd_tls_key_file = {root}/key.pem
smtpd_peername_lookup = no
smtpd_client_connection_rate_limit = 0
in_flow_delay = 0
message_size_limit = 20000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtputf8_enable = yes
alias_maps =
biff = no
",
        ports.lmtp, ports.auth
    )
}

/// Postfix's master.cf.
pub fn master_cf(ports: Ports) -> String {
    format!(
        "127.0.0.1:{} inet n - n - 20 smtpd
127.0.0.1:{} inet n - n - 20 smtpd
  -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - 4 lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
",
        ports.smtp, ports.smtps
    )
}
