use super::*;
use std::io::Read as _;

fn task<'a>(program: &'a Program) -> Task<'a> {
    Task { program, input: None, output: StdoutTo::Piped, variables: Vec::new(), own_group: true }
}

fn printed(line: &str) -> String {
    let program = Program::shell(line).unwrap();
    let mut running = task(&program).start().unwrap();
    let mut text = String::new();
    running.output().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(running.wait().unwrap(), Ending::Status(0));
    text
}

#[test]
fn a_program_reads_nothing_of_postie_s_input_and_writes_where_it_is_told() {
    assert_eq!(printed("cat; echo end"), "end\n");
    let mut file = tempfile::tempfile().unwrap();
    io::Write::write_all(&mut file, b"given").unwrap();
    io::Seek::rewind(&mut file).unwrap();
    let program = Program::shell("cat").unwrap();
    let mut running = Task { input: Some(file), ..task(&program) }.start().unwrap();
    let mut text = String::new();
    running.output().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), running.wait().unwrap()), ("given", Ending::Status(0)));
}

#[test]
fn how_it_ended_is_seen() {
    for (line, ending) in
        [("exit 0", Ending::Status(0)), ("exit 79", Ending::Status(79)), ("kill -9 $$", Ending::Signal(9))]
    {
        let program = Program::shell(line).unwrap();
        let running = task(&program).start().unwrap();
        assert!(running.ends_within(Duration::from_secs(30)), "{line}");
        assert_eq!(running.wait().unwrap(), ending, "{line}");
    }
}

#[test]
fn no_descriptor_beyond_the_first_three_goes_with_it() {
    // As a parent leaves them: a duplicate does not close by itself.
    let kept = rustix::io::dup(tempfile::tempfile().unwrap()).unwrap();
    let listed = printed("exec 2>/dev/null; for fd in /proc/self/fd/*; do readlink $fd; done; true");
    assert!(!listed.contains("/tmp"), "{listed}");
    drop(kept);
}

#[test]
fn no_variable_that_holds_a_secret_goes_with_it() {
    // The environment of a test cannot be changed; a variable that is there stands for one.
    assert_eq!(printed("printf %s \"$CARGO_PKG_NAME\""), "postie");
    conceal("CARGO_PKG_NAME");
    assert_eq!(printed("printf %s \"$CARGO_PKG_NAME\""), "");
}

#[test]
fn one_that_hangs_is_ended_with_all_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    for ask_first in [true, false] {
        // The grandchild holds the FIFO open: its end is the end of what is read.
        let line = format!("trap '' TERM; sh -c 'echo up; exec sleep 1000' > '{}' & wait", fifo.display());
        let program = Program::shell(&line).unwrap();
        let running = task(&program).start().unwrap();
        let mut reader = File::open(&fifo).unwrap();
        let mut up = [0; 3];
        reader.read_exact(&mut up).unwrap();
        let ending = if ask_first { running.end(Duration::from_millis(50)) } else { running.kill() };
        assert_eq!(ending.unwrap(), Ending::Signal(9));
        assert_eq!(reader.read(&mut up).unwrap(), 0);
    }
}

#[test]
fn programs_that_are_there_are_told_from_others() {
    let argv = |words: &[&str]| Program::Argv(words.iter().map(|word| (*word).to_owned()).collect());
    for there in [argv(&["sh", "-c", "true"]), argv(&["/bin/sh"]), Program::Shell("nonsense".into())] {
        assert!(there.is_there(), "{there:?}");
    }
    for none in [argv(&[]), argv(&[""]), argv(&["/no/such/program"]), argv(&["no-such-program-of-postie"])] {
        assert!(!none.is_there(), "{none:?}");
    }
    assert!(task(&argv(&["/no/such/program"])).start().is_err());
}

#[test]
fn empty_commands_and_nul_are_refused() {
    assert!(Program::shell(" ").is_err());
    assert!(Program::shell("a\0").is_err());
    assert!(Program::argv(vec![]).is_err());
    assert!(Program::argv(vec![String::new()]).is_err());
    assert!(Program::argv(vec!["a".into(), "\0".into()]).is_err());
}
