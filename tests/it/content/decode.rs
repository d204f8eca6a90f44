//! A strict reader of MIME: anything that is not exactly as the RFC says fails the test.

/// One part of a message, or the whole.
#[derive(Debug)]
pub struct Part {
    /// The fields: names in lower case, values unfolded.
    pub fields: Vec<(String, String)>,
    /// The content, decoded.
    pub content: Vec<u8>,
}

impl Part {
    fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

/// The parts of a message that contain no other parts, in order.
#[track_caller]
pub fn leaves(message: &[u8]) -> Vec<Part> {
    let mut part = split(message);
    let Some(boundary) = boundary(part.field("content-type")) else {
        part.content = decode(&part.content, part.field("content-transfer-encoding"));
        return vec![part];
    };
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter may be at the very start.
    let body = [b"\r\n", &part.content[..]].concat();
    let mut found: Vec<usize> = memchr::memmem::find_iter(&body, delimiter.as_bytes()).collect();
    let last = found.pop().expect("a multipart ends");
    assert!(body[last + delimiter.len()..].starts_with(b"--\r\n"), "a multipart ends in its last delimiter");
    let ends = found.iter().skip(1).copied().chain([last]);
    let starts = found.iter().map(|at| at + delimiter.len() + 2);
    starts.zip(ends).flat_map(|(start, end)| leaves(&body[start..end])).collect()
}

fn boundary(content_type: &str) -> Option<String> {
    if !content_type.to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    let (_, value) = content_type.split_once("boundary=").expect("a multipart has a boundary");
    Some(match value.strip_prefix('"') {
        Some(value) => value.split_once('"').unwrap().0.to_owned(),
        None => value.split(';').next().unwrap().trim().to_owned(),
    })
}

#[track_caller]
fn split(message: &[u8]) -> Part {
    let end = memchr::memmem::find(message, b"\r\n\r\n").expect("a header ends in a blank line");
    let header = std::str::from_utf8(&message[..end]).expect("a header is text");
    let unfolded = header.replace("\r\n ", " ").replace("\r\n\t", " ");
    let field = |line: &str| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no field: {line:?}"));
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Part { fields: unfolded.split("\r\n").map(field).collect(), content: message[end + 4..].to_vec() }
}

#[track_caller]
fn decode(content: &[u8], encoding: &str) -> Vec<u8> {
    match encoding.to_ascii_lowercase().as_str() {
        "" | "7bit" | "8bit" => content.to_vec(),
        "base64" => base64(content),
        "quoted-printable" => quoted(content),
        other => panic!("an encoding {other:?}"),
    }
}

#[track_caller]
fn base64(content: &[u8]) -> Vec<u8> {
    let mut digits = Vec::with_capacity(content.len());
    for line in content.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(line.len() <= 76, "a line of {} digits", line.len());
        digits.extend_from_slice(line);
    }
    assert_eq!(digits.len() % 4, 0, "base64 comes in fours");
    let mut out = Vec::with_capacity(digits.len() / 4 * 3);
    let fours = digits.len() / 4;
    for (number, four) in digits.chunks(4).enumerate() {
        let padding = four.iter().rev().take_while(|digit| **digit == b'=').count();
        assert!(padding == 0 || (padding <= 2 && number + 1 == fours), "padding stands at the end");
        let value = four[..4 - padding].iter().fold(0u32, |value, digit| {
            value << 6
                | u32::from(match digit {
                    b'A'..=b'Z' => digit - b'A',
                    b'a'..=b'z' => digit - b'a' + 26,
                    b'0'..=b'9' => digit - b'0' + 52,
                    b'+' => 62,
                    b'/' => 63,
                    other => panic!("{:?} in base64", char::from(*other)),
                })
        }) << (6 * padding);
        out.extend_from_slice(&value.to_be_bytes()[1..4 - padding]);
    }
    out
}

#[track_caller]
fn quoted(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    let (lines, last) = match content.strip_suffix(b"\r\n") {
        Some(lines) => (lines, true),
        None => (content, false),
    };
    let mut lines = lines.split(|octet| *octet == b'\n').peekable();
    while let Some(line) = lines.next() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(line.len() <= 76, "a line of {} octets", line.len());
        assert!(!line.ends_with(b" ") && !line.ends_with(b"\t"), "white space ends a line");
        let (line, soft) = line.strip_suffix(b"=").map_or((line, false), |line| (line, true));
        let mut octets = line.iter();
        while let Some(octet) = octets.next() {
            assert!(octet.is_ascii_graphic() || b" \t".contains(octet), "{octet:#x} in quoted-printable");
            match octet {
                b'=' => {
                    let two = [*octets.next().unwrap(), *octets.next().unwrap()];
                    out.push(u8::from_str_radix(std::str::from_utf8(&two).unwrap(), 16).unwrap());
                }
                _ => out.push(*octet),
            }
        }
        if !soft && (lines.peek().is_some() || last) {
            out.extend_from_slice(b"\r\n");
        }
    }
    out
}

#[test]
fn the_decoders_read_the_examples_of_the_rfc() {
    assert_eq!(base64(b"Zm9vYg==\r\n"), b"foob");
    assert_eq!(base64(b"Zm9v\r\nYmE=\r\n"), b"fooba");
    assert_eq!(quoted(b"Now's the =\r\ntime=20\r\n=2E\r\n"), b"Now's the time \r\n.\r\n");
    let message =
        b"Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nA: 1\r\n\r\none\r\n--b\r\nB: 2\r\n\
                    Content-Transfer-Encoding: base64\r\n\r\nZm9v\r\n\r\n--b--\r\n";
    let found: Vec<Vec<u8>> = leaves(message).into_iter().map(|part| part.content).collect();
    assert_eq!(found, [&b"one"[..], b"foo"]);
}
