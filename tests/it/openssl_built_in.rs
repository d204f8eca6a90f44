//! The built-in OpenSSL takes neither settings nor code from the directory it was built in or from a file
//! that the environment names, and its licence is included.

use crate::support::mailbox::Mailbox;
use crate::support::pop3d::Pop3d;
use crate::support::real::have;
use crate::world;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn openssl_loads_no_configuration_and_no_code() {
    if !cfg!(feature = "vendored") || !have("openssl_loads_no_configuration_and_no_code", &["cc", "strace"]) {
        return;
    }
    let (world, server) = (world(), Pop3d::for_mailbox(&Mailbox::with(1)).start());
    // Code that reports when it is loaded, as a provider and as an engine, named by a configuration.
    let (source, planted, mark) = (world.path("planted.c"), world.text("planted.so"), world.text("mark"));
    let code = format!(
        "#include <stdio.h>\n__attribute__((constructor)) static void loaded(void) {{ fclose(fopen(\"{mark}\", \"w\")); }}\n"
    );
    fs::write(&source, code).unwrap();
    let cc = Command::new("cc").args(["-shared", "-fPIC", "-o", &planted]).arg(&source).status().unwrap();
    assert!(cc.success());
    world.write(
        "openssl.cnf",
        format!(
            "openssl_conf = all\n[all]\nproviders = providers\nengines = engines\nssl_conf = ssl\n\
             [providers]\nplanted = planted\ndefault = default\n[default]\nactivate = 1\n\
             [planted]\nmodule = {planted}\nactivate = 1\n\
             [engines]\nplanted = engine\n[engine]\nengine_id = dynamic\nSO_PATH = {planted}\nLOAD = EMPTY\n\
             [ssl]\nsystem_default = old\n[old]\nMaxProtocol = TLSv1.1\n"
        ),
    );
    let trace = world.text("trace");
    let args =
        ["--json", "list", "--server", &server.url(), "--ca-file", "ca.pem", "--password-file", "secret"];
    let run = world.postie(args).env("OPENSSL_CONF", world.path("openssl.cnf"));
    let run = run.under_shell(&format!("set -- strace -f -e trace=%file -o '{trace}' \"$@\""));
    run.go().assert_exit(0);
    assert!(!Path::new(&mark).exists(), "the planted code was loaded");
    let trace = fs::read_to_string(&trace).unwrap();
    assert!(trace.contains("ca.pem"), "it was traced");
    for word in ["openssl.cnf", "ossl-modules", "engines-", "openssl-build", "planted.so"] {
        let seen: Vec<&str> = trace.lines().filter(|line| line.contains(word)).collect();
        assert!(seen.is_empty(), "{seen:#?}");
    }
}

#[test]
fn openssl_is_built_with_compiler_hardening() {
    if !cfg!(all(feature = "vendored", target_os = "linux", target_env = "gnu")) {
        return;
    }
    // Symbols that the C compiler uses if it guards the stack and checks copies with known bounds; Rust uses
    // neither.
    let program = fs::read(env!("CARGO_BIN_EXE_postie")).unwrap();
    for symbol in ["__stack_chk_fail", "__memcpy_chk"] {
        assert!(memchr::memmem::find(&program, symbol.as_bytes()).is_some(), "{symbol}");
    }
}

#[test]
fn the_licence_of_openssl_is_included() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let notice = fs::read_to_string(root.join("NOTICE")).unwrap();
    assert!(notice.contains("The OpenSSL Project Authors") && notice.contains("LICENSE-APACHE"));
    let licence = fs::read_to_string(root.join("LICENSE-APACHE")).unwrap();
    assert!(licence.contains("Apache License") && licence.contains("Version 2.0"));
    // Both are in the package.
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let excluded = manifest.lines().find(|line| line.starts_with("exclude")).unwrap();
    assert!(!excluded.contains("NOTICE") && !excluded.contains("LICENSE"), "{excluded}");
    assert!(
        !manifest.lines().any(|line| line.starts_with("include =")),
        "what is not named there is left out"
    );
}
