//! Transcripts: one dialogue, one text file, and the machine that plays the server's part of it without
//! any I/O.
//!
//! | line | meaning |
//! |---|---|
//! | `S: text` | the server sends a line |
//! | `C: text` | the client must send exactly this line |
//! | `C~ text` | the same, where `*` matches anything |
//! | `C> text` | inside `-- any`: the client's next line in the same exchange; `*` matches anything |
//! | `-- implicit tls` | TLS before the greeting |
//! | `-- tls` | TLS from here on |
//! | `-- raw "octets"` | the server sends these octets, without a line end |
//! | `-- repeat N "octets"`, `-- forever "octets"` | the same many times |
//! | `-- split N` | from here on the server sends in pieces of N octets |
//! | `-- data` | the client sends lines up to one with only a dot |
//! | `-- octets N` | the client sends N octets, whatever they are |
//! | `-- lose write` | the client's next write fails, but it can still read (in memory only) |
//! | `-- close`, `-- truncate`, `-- reset`, `-- stall` | how the connection ends |
//! | `-- kill client`, `-- interrupt client`, `-- terminate client` | a signal ends the client |
//! | `-- any` … `-- end` | exchanges (`C:` with what follows it) in any order, any number of times |
//! | `-- next connection` | the lines after it are for the client's next connection |
//! | `-- client words` | what the client must do, in the words of the test that plays the file |
//! | `-- outcome words` | the expected result, likewise |
//! | `# text` | a remark |
//!
//! Text knows `\r`, `\n`, `\t`, `\0`, `\e`, `\\`, `\"` and `\xHH`. What the server sends between two
//! waits goes out in one write. At the end of its part the server closes in order.
//!
//! Lines of the client that follow each other may come in one flight. One that comes ahead of a reply that the
//! script has before it is a deviation, except within `-- any`.

use super::peer::End;
use std::collections::VecDeque;
use std::path::Path;

/// One dialogue.
#[derive(Clone, Debug)]
pub struct Script {
    /// Whether TLS comes before the greeting.
    pub implicit_tls: bool,
    /// The server's part in each connection.
    pub connections: Vec<Vec<Step>>,
    /// What the client is to do.
    pub client: String,
    /// What comes of it.
    pub outcome: String,
}

/// One line of a script.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The client sends a line.
    Expect(Pattern),
    /// The server sends octets.
    Send(Vec<u8>),
    /// The server sends octets many times; `None` is for ever.
    Repeat(Option<usize>, Vec<u8>),
    /// The server sends in pieces.
    Split(usize),
    /// TLS begins.
    Tls,
    /// The client sends lines up to a lone dot.
    Data,
    /// The client sends so many octets.
    Octets(usize),
    /// The client's next write fails.
    LoseWrite,
    /// The connection ends.
    End(End),
    /// Exchanges in any order.
    Any(Vec<(Pattern, Vec<Step>)>),
}

/// What a client's line must look like.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// Exactly this.
    Exact(Vec<u8>),
    /// This, with `*` for anything.
    Glob(Vec<u8>),
}

impl Pattern {
    /// Its text.
    pub fn text(&self) -> &[u8] {
        let (Pattern::Exact(text) | Pattern::Glob(text)) = self;
        text
    }

    /// Whether `line` is it.
    pub fn matches(&self, line: &[u8]) -> bool {
        match self {
            Pattern::Exact(text) => text == line,
            Pattern::Glob(glob) => {
                let parts: Vec<&[u8]> = glob.split(|octet| *octet == b'*').collect();
                let [first, middle @ .., last] = parts.as_slice() else { return glob == line };
                let Some(mut rest) = line.strip_prefix(*first).and_then(|rest| rest.strip_suffix(*last))
                else {
                    return false;
                };
                middle.iter().all(|part| match memchr::memmem::find(rest, part) {
                    Some(at) => {
                        rest = &rest[at + part.len()..];
                        true
                    }
                    None => false,
                })
            }
        }
    }
}

impl Script {
    /// Reads `tests/transcripts/NAME.txt`.
    pub fn load(name: &str) -> Script {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(name).with_extension("txt");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Script::parse(&text)
    }

    /// The names of the transcripts in a directory below `tests/transcripts`, sorted.
    pub fn names(dir: &str) -> Vec<String> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(dir);
        let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let files = paths.filter(|path| path.is_file());
        let mut names: Vec<String> =
            files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// Reads a dialogue. A line that means nothing fails the test.
    pub fn parse(text: &str) -> Script {
        let mut script = Script {
            implicit_tls: false,
            connections: vec![Vec::new()],
            client: String::new(),
            outcome: String::new(),
        };
        let mut any: Option<Vec<(Pattern, Vec<Step>)>> = None;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_end();
            match line {
                "" => continue,
                "-- implicit tls" => script.implicit_tls = true,
                "-- next connection" => script.connections.push(Vec::new()),
                "-- any" => any = Some(Vec::new()),
                "-- end" => {
                    let exchanges = any.take().expect("`-- end` without `-- any`");
                    script.connections.last_mut().unwrap().push(Step::Any(exchanges));
                }
                _ if line.starts_with('#') => continue,
                _ if line.starts_with("-- client ") => script.client = line["-- client ".len()..].to_owned(),
                _ if line.starts_with("-- outcome ") => {
                    script.outcome = line["-- outcome ".len()..].to_owned();
                }
                _ => {
                    let step = Step::parse(line).unwrap_or_else(|| panic!("line {}: {line:?}", number + 1));
                    match (&mut any, step) {
                        (Some(exchanges), Step::Expect(pattern)) if !line.starts_with("C>") => {
                            exchanges.push((pattern, Vec::new()));
                        }
                        (Some(exchanges), step) => {
                            exchanges.last_mut().expect("an exchange begins with `C:`").1.push(step);
                        }
                        (None, step) => script.connections.last_mut().unwrap().push(step),
                    }
                }
            }
        }
        assert!(any.is_none(), "`-- any` without `-- end`");
        script
    }
}

impl Step {
    fn parse(line: &str) -> Option<Step> {
        let rest = line.get(2..)?;
        let text = || unescape(rest.strip_prefix(' ').unwrap_or(rest));
        match &line[..2] {
            "S:" => Some(Step::Send([text()?, b"\r\n".to_vec()].concat())),
            "C:" => Some(Step::Expect(Pattern::Exact(text()?))),
            "C~" | "C>" => Some(Step::Expect(Pattern::Glob(text()?))),
            "--" => Step::directive(rest.strip_prefix(' ')?),
            _ => None,
        }
    }

    fn directive(text: &str) -> Option<Step> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        Some(match (word, rest) {
            ("tls", "") => Step::Tls,
            ("data", "") => Step::Data,
            ("octets", octets) => Step::Octets(octets.parse().ok()?),
            ("lose", "write") => Step::LoseWrite,
            ("close", "") => Step::End(End::Close),
            ("truncate", "") => Step::End(End::Truncate),
            ("reset", "") => Step::End(End::Reset),
            ("stall", "") => Step::End(End::Stall),
            ("kill", "client") => Step::End(End::Kill),
            ("interrupt", "client") => Step::End(End::Interrupt),
            ("terminate", "client") => Step::End(End::Terminate),
            ("split", octets) => Step::Split(octets.parse().ok()?),
            ("raw", octets) => Step::Send(quoted(octets)?),
            ("forever", octets) => Step::Repeat(None, quoted(octets)?),
            ("repeat", rest) => {
                let (times, octets) = rest.split_once(' ')?;
                Step::Repeat(Some(times.parse().ok()?), quoted(octets)?)
            }
            _ => return None,
        })
    }
}

fn quoted(text: &str) -> Option<Vec<u8>> {
    unescape(text.strip_prefix('"')?.strip_suffix('"')?)
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((octet, after)) = rest.split_first() {
        rest = after;
        if *octet != b'\\' {
            out.push(*octet);
            continue;
        }
        let (escaped, after) = rest.split_first()?;
        rest = after;
        out.push(match escaped {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'0' => 0,
            b'e' => 0x1b,
            b'\\' | b'"' => *escaped,
            b'x' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(out)
}

/// What the server does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// Sends octets.
    Send(Vec<u8>),
    /// Sends octets many times.
    Repeat(Option<usize>, Vec<u8>),
    /// Sends in pieces from now on.
    Split(usize),
    /// Begins TLS.
    Tls,
    /// Has the client's next write fail.
    LoseWrite,
    /// Ends the connection.
    End(End),
    /// Waits for the client.
    Wait,
}

/// Plays the server's part of one connection.
#[derive(Clone, Debug)]
pub struct Machine {
    ahead: VecDeque<Step>,
    input: Vec<u8>,
    /// Whether the client keeps to the order of the whole script.
    pub strict: bool,
    /// Where the client left the script.
    pub deviations: Vec<String>,
}

impl Machine {
    /// For one connection's steps.
    pub fn new(steps: &[Step]) -> Machine {
        let strict = !steps.iter().any(|step| matches!(step, Step::Any(_)));
        let ahead = steps.iter().cloned().collect();
        Machine { ahead, input: Vec::new(), strict, deviations: Vec::new() }
    }

    /// Takes octets of the client.
    pub fn feed(&mut self, octets: &[u8]) {
        self.input.extend_from_slice(octets);
    }

    /// Says what comes next.
    pub fn next(&mut self) -> Move {
        loop {
            let Some(step) = self.ahead.front().cloned() else {
                if !self.input.is_empty() {
                    let text = String::from_utf8_lossy(&self.input).into_owned();
                    self.deviations.push(format!("after the end of the script the client sent {text:?}"));
                }
                return Move::End(End::Close);
            };
            match step {
                Step::Expect(pattern) => {
                    let Some(line) = self.line() else { return Move::Wait };
                    if !pattern.matches(&line) {
                        return self.deviate(&line, &format!("{pattern:?}"));
                    }
                    self.ahead.pop_front();
                }
                Step::Any(exchanges) => {
                    let Some(line) = self.line() else { return Move::Wait };
                    match exchanges.iter().find(|(pattern, _)| pattern.matches(&line)) {
                        Some((_, steps)) => {
                            for step in steps.iter().rev() {
                                self.ahead.push_front(step.clone());
                            }
                        }
                        None if self.ahead.len() > 1 => {
                            self.ahead.pop_front();
                            let back = [&line[..], b"\r\n"].concat();
                            self.input.splice(0..0, back);
                        }
                        None => return self.deviate(&line, "one of the exchanges"),
                    }
                }
                Step::Data => match self.line() {
                    None => return Move::Wait,
                    Some(line) if line == b"." => drop(self.ahead.pop_front()),
                    Some(_) => {}
                },
                Step::Octets(octets) => match self.input.len() < octets {
                    true => return Move::Wait,
                    false => {
                        self.input.drain(..octets);
                        self.ahead.pop_front();
                    }
                },
                Step::Tls if !self.input.is_empty() => {
                    let line = std::mem::take(&mut self.input);
                    return self.deviate(&line, "nothing in clear ahead of TLS");
                }
                other => {
                    if self.strict && matches!(other, Step::Send(_)) && !self.input.is_empty() {
                        let ahead = std::mem::take(&mut self.input);
                        return self.deviate(&ahead, &format!("a reply before it: {other:?}"));
                    }
                    self.ahead.pop_front();
                    return match other {
                        Step::Send(octets) => Move::Send(octets),
                        Step::Repeat(times, octets) => Move::Repeat(times, octets),
                        Step::Split(octets) => Move::Split(octets),
                        Step::Tls => Move::Tls,
                        Step::LoseWrite => Move::LoseWrite,
                        Step::End(end) => Move::End(end),
                        Step::Expect(_) | Step::Any(_) | Step::Data | Step::Octets(_) => {
                            unreachable!("handled above")
                        }
                    };
                }
            }
        }
    }

    /// Whether the script still wanted something of the client, other than exchanges it may leave out.
    pub fn is_unfinished(&self) -> bool {
        let wants = |step: &Step| matches!(step, Step::Expect(_) | Step::Data | Step::Octets(_) | Step::Tls);
        self.ahead.iter().any(wants)
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = memchr::memchr(b'\n', &self.input)?;
        let mut line: Vec<u8> = self.input.drain(..=end).collect();
        line.pop();
        if line.pop_if(|last| *last == b'\r').is_none() {
            self.deviations.push(format!("a bare LF ends {:?}", String::from_utf8_lossy(&line)));
        }
        Some(line)
    }

    fn deviate(&mut self, line: &[u8], wanted: &str) -> Move {
        let text = String::from_utf8_lossy(line).into_owned();
        self.deviations.push(format!("the client sent {text:?}, the script has {wanted}"));
        self.ahead.clear();
        self.input.clear();
        Move::End(End::Close)
    }
}
