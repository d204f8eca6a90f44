//! Servers for every way to log in: Dovecot (POP3, IMAP, submission) and Postfix with SCRAM, client certificates, Kerberos
//! (a KDC of MIT's) or NTLM (Samba's `ntlm_auth`), all in a directory of their own.

use super::authority::Authority;
use super::pop3d::{SECRET, USER};
use super::real::{IMAP, SERVERS, free_port, program};
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// What a test needs besides Dovecot and Postfix.
pub const KERBEROS: &[&str] = &[
    "krb5kdc",
    "kadmin.local",
    "kdb5_util",
    "kinit",
    "gsasl",
    "/usr/lib/dovecot/modules/auth/libmech_gssapi.so",
];
pub const NTLM: &[&str] = &["ntlm_auth", "gsasl"];
pub const SUBMISSION: &str = "/usr/lib/dovecot/submission-login";

/// The lines for Dovecot's submission server, which relays to Postfix.
pub fn submission(port: u16, relay: u16) -> String {
    format!(
        "protocols = pop3 imap lmtp submission
hostname = localhost
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
submission_relay_trusted = yes
service submission-login {{
  inet_listener submission {{
    port = {port}
  }}
  service_count = 0
}}
"
    )
}

/// Dovecot takes the user from a certificate of the tests' authority.
pub fn by_certificate(root: &Path) -> String {
    fs::write(root.join("authority.pem"), Authority::shared().pem()).unwrap();
    format!(
        "auth_mechanisms = plain external
ssl_ca = <{}/authority.pem
ssl_verify_client_cert = yes
ssl_require_crl = no
auth_ssl_username_from_cert = yes
ssl_cert_username_field = commonName
passdb {{
  driver = static
  mechanisms = external
  args = nopassword=y
}}
",
        root.display()
    )
}

/// Samba checks the response by itself, with a password that it is given: no domain, no winbindd.
pub fn by_ntlm(root: &Path) -> String {
    let smb = root.join("smb");
    fs::create_dir(&smb).unwrap();
    fs::set_permissions(&smb, fs::Permissions::from_mode(0o777)).unwrap();
    let dirs = ["private dir", "lock directory", "state directory", "cache directory", "pid directory"];
    let dirs: String = dirs.iter().map(|name| format!(" {name} = {}\n", smb.display())).collect();
    fs::write(
        root.join("smb.conf"),
        format!("[global]\n workgroup = EXAMPLE\n netbios name = MAILTEST\n{dirs}"),
    )
    .unwrap();
    let helper = root.join("ntlm-helper");
    let line = format!(
        "#!/bin/sh\nexec /usr/bin/ntlm_auth \"$@\" --username={USER} --domain=EXAMPLE --password={SECRET} --configfile={}/smb.conf\n",
        root.display()
    );
    fs::write(&helper, line).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    format!(
        "auth_mechanisms = plain ntlm\nauth_use_winbind = yes\nauth_winbind_helper_path = {}\n",
        helper.display()
    )
}

/// A KDC, and tickets of it.
pub struct Kdc {
    child: Child,
    dir: tempfile::TempDir,
}

impl Drop for Kdc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Kdc {
    /// A realm with the user, and the services pop, imap and smtp of `localhost`.
    pub fn start() -> Kdc {
        let own = tempfile::Builder::new().prefix("postie-realm-").tempdir().unwrap();
        let (dir, port) = (own.path().to_owned(), free_port());
        fs::create_dir(dir.join("kdc")).unwrap();
        // Dovecot's and Postfix's own users read its files.
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        let at = dir.display();
        // Each setting on a line of its own: MIT passes others over without a word, and works below /var and /etc.
        let realm = format!(
            "[libdefaults]\n default_realm = EXAMPLE.TEST\n dns_lookup_kdc = false\n dns_lookup_realm = false\n\
             \x20dns_canonicalize_hostname = false\n rdns = false\n qualify_shortname = \"\"\n udp_preference_limit = 1\n\
             [realms]\n EXAMPLE.TEST = {{\n  kdc = 127.0.0.1:{port}\n }}\n[domain_realm]\n localhost = EXAMPLE.TEST\n"
        );
        fs::write(dir.join("krb5.conf"), realm).unwrap();
        let kdc = format!(
            "[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n[realms]\n EXAMPLE.TEST = {{\n\
             \x20 database_name = {at}/kdc/principal\n  key_stash_file = {at}/kdc/stash\n  acl_file = {at}/kdc/acl\n  max_life = 1h\n }}\n"
        );
        fs::write(dir.join("kdc.conf"), kdc).unwrap();
        run(&dir, "kdb5_util", &["-r", "EXAMPLE.TEST", "create", "-s", "-P", "masterkey"]);
        let admin = |query: &str| run(&dir, "kadmin.local", &["-r", "EXAMPLE.TEST", "-q", query]);
        admin(&format!("addprinc -pw {SECRET} {USER}"));
        admin(&format!("ktadd -norandkey -k {at}/user.keytab {USER}"));
        for service in ["pop", "imap", "smtp"] {
            admin(&format!("addprinc -randkey {service}/localhost"));
            admin(&format!("ktadd -k {at}/server.keytab {service}/localhost"));
        }
        assert!(dir.join("kdc/principal").exists(), "the KDC's database lies where it was told to");
        run(Path::new("/"), "chmod", &["644", dir.join("server.keytab").to_str().unwrap()]);
        let child = command(&dir, "krb5kdc")
            .args(["-n", "-r", "EXAMPLE.TEST"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            std::thread::yield_now();
        }
        Kdc { child, dir: own }
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// Gets a ticket into the cache `cc`.
    pub fn ticket(&self) {
        let keytab = self.path("user.keytab");
        let cache = format!("FILE:{}", self.path("cc"));
        run(self.dir.path(), "kinit", &["-c", &cache, "-k", "-t", &keytab, USER]);
    }

    /// Dovecot takes its tickets.
    pub fn dovecot(&self) -> String {
        format!(
            "auth_mechanisms = plain gssapi\nauth_krb5_keytab = {}\nauth_gssapi_hostname = \"$ALL\"\nimport_environment = TZ KRB5_CONFIG={}\n",
            self.path("server.keytab"),
            self.path("krb5.conf")
        )
    }

    /// Postfix takes them by Cyrus SASL.
    pub fn cyrus(&self) -> String {
        format!(
            "smtpd_sasl_type = cyrus\nsmtpd_sasl_path = smtpd\nmyhostname = localhost\nimport_environment = MAIL_CONFIG MAIL_LOGTAG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME KRB5_CONFIG={} KRB5_KTNAME={}\n",
            self.path("krb5.conf"),
            self.path("server.keytab")
        )
    }
}

fn command(dir: &Path, name: &str) -> Command {
    let mut command = Command::new(program(name).unwrap());
    command.env("KRB5_CONFIG", dir.join("krb5.conf")).env("KRB5_KDC_PROFILE", dir.join("kdc.conf"));
    command.stdin(Stdio::null());
    command
}

#[track_caller]
fn run(dir: &Path, name: &str, args: &[&str]) -> Output {
    let output = command(dir, name).args(args).output().unwrap();
    assert!(output.status.success(), "{name} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Whether Dovecot, Postfix and these are there; else the test is skipped.
#[track_caller]
pub fn have(test: &str, needs: &[&str]) -> bool {
    let needs: Vec<&str> = SERVERS.iter().chain(IMAP).chain(needs).copied().collect();
    super::real::have(test, &needs)
}
