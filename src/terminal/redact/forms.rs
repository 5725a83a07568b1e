//! The forms in which programs print a value: base64 (also in lines), hexadecimal, URL-encoded, escaped
//! for JSON (also twice), HTML, C and Python, quoted for a shell.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::is_too_short;

/// The columns at which `base64` and PEM end a line.
const BASE64_LINES: [usize; 2] = [76, 64];
/// The columns at which `xxd -p` does.
const HEX_LINE: usize = 60;
/// What URL encoders leave as it is beside letters, digits and `-_.~`: nothing, what Python's `quote`
/// leaves, and the functions of JavaScript.
const LEFT: [&str; 4] = ["", "/", "!*'()", "!*'();/?:@&=+$,#"];
/// `<`, `>`, `&`, `"`, `'` in HTML and XML: Python, Go, PHP, XML, templates, text alone.
const ENTITIES: [[&str; 5]; 6] = [
    ["&lt;", "&gt;", "&amp;", "&quot;", "&#x27;"],
    ["&lt;", "&gt;", "&amp;", "&#34;", "&#39;"],
    ["&lt;", "&gt;", "&amp;", "&quot;", "&#039;"],
    ["&lt;", "&gt;", "&amp;", "&quot;", "&apos;"],
    ["&lt;", "&gt;", "&amp;", "&quot;", "&#39;"],
    ["&lt;", "&gt;", "&amp;", "\"", "'"],
];

/// A value and its forms.
pub(super) fn of(value: &str) -> Vec<String> {
    let mut forms = BTreeSet::from([value.to_owned()]);
    forms.extend(json(value));
    forms.extend(quoted(value));
    forms.extend(ENTITIES.map(|entities| html(value, entities)));
    for left in LEFT {
        for (upper, plus) in [(true, false), (false, false), (true, true), (false, true)] {
            forms.insert(percent(value, left, upper, plus));
        }
    }
    for alphabet in [STANDARD, URL_SAFE] {
        forms.insert(padded(value, alphabet));
        // In the middle of something longer, such as `user:password` of basic authentication.
        forms.extend([0, 1, 2].map(|before| base64(value.as_bytes(), before, alphabet)));
    }
    // `echo` ends the value with a line end, and so the last line is another.
    for whole in [value.to_owned(), format!("{value}\n")] {
        for width in BASE64_LINES {
            forms.extend(in_lines(&padded(&whole, STANDARD), width));
        }
        let digits = crate::hex::digits(whole.as_bytes());
        forms.extend(in_lines(&digits, HEX_LINE));
    }
    let digits = crate::hex::digits(value.as_bytes());
    forms.extend([digits.to_uppercase(), digits]);
    forms.into_iter().filter(|form| !is_too_short(form)).collect()
}

/// The lines of a text that is longer than one.
fn in_lines(text: &str, width: usize) -> Vec<String> {
    if text.len() <= width {
        return Vec::new();
    }
    let mut rest = text;
    let mut lines = Vec::new();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(width.min(rest.len()));
        lines.push(line.to_owned());
        rest = after;
    }
    lines
}

/// Escaped for JSON, as encoders do it; also once more, as a text in JSON that is a text in JSON.
fn json(value: &str) -> Vec<String> {
    let once = json_text(value);
    let ascii = ascii_json(&once);
    let go = ['<', '>', '&']
        .iter()
        .fold(once.clone(), |text, c| text.replace(*c, &format!("\\u{:04x}", u32::from(*c))));
    vec![
        once.replace('/', "\\/"),
        ascii.replace('/', "\\/"),
        json_text(&ascii),
        json_text(&once),
        ascii_json(&json_text(&once)),
        json_text(&go),
        go,
        ascii,
        once,
    ]
}

fn json_text(value: &str) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    let json = json.strip_prefix('"').unwrap_or(&json);
    json.strip_suffix('"').unwrap_or(json).to_owned()
}

/// JSON text with `\uXXXX` for what is not ASCII.
fn ascii_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// Quoted for a shell (both ways to write a `'`, bash's `%q` and `$'…'`), and as Python prints texts.
fn quoted(value: &str) -> Vec<String> {
    let escaped =
        value.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
    let mut backslashed = String::with_capacity(value.len());
    for (at, c) in value.char_indices() {
        let special = " !\"$&'()*,;<>?[\\]^`{|}".contains(c) || (at == 0 && "#~".contains(c));
        if special {
            backslashed.push('\\');
        }
        backslashed.push(c);
    }
    vec![
        value.replace('\'', "'\\''"),
        value.replace('\'', "'\"'\"'"),
        escaped.replace('\'', "\\'"),
        escaped,
        backslashed,
    ]
}

fn html(value: &str, [less, more, and, double, single]: [&str; 5]) -> String {
    value
        .replace('&', and)
        .replace('<', less)
        .replace('>', more)
        .replace('"', double)
        .replace('\'', single)
}

fn percent(value: &str, left: &str, upper: bool, plus: bool) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        let c = char::from(byte);
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(c),
            _ if byte.is_ascii() && left.contains(c) => out.push(c),
            b' ' if plus => out.push('+'),
            _ => {
                let _ = if upper { write!(out, "%{byte:02X}") } else { write!(out, "%{byte:02x}") };
            }
        }
    }
    out
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The characters of base64 that depend on these bytes alone, when `before` bytes (0, 1 or 2) of
/// something else come first and anything may follow.
fn base64(bytes: &[u8], before: usize, alphabet: &[u8; 64]) -> String {
    let mut shifted = vec![0; before];
    shifted.extend_from_slice(bytes);
    let first = (before * 8).div_ceil(6);
    let whole = shifted.len() * 8 / 6;
    (first..whole).map(|index| sextet(&shifted, index, alphabet)).collect()
}

/// Base64 of exactly this value, with its padding.
fn padded(value: &str, alphabet: &[u8; 64]) -> String {
    let bytes = value.as_bytes();
    let count = (bytes.len() * 8).div_ceil(6);
    let mut out: String = (0..count).map(|index| sextet(bytes, index, alphabet)).collect();
    while !out.len().is_multiple_of(4) {
        out.push('=');
    }
    out
}

fn sextet(bytes: &[u8], index: usize, alphabet: &[u8; 64]) -> char {
    let bit = |at: usize| bytes.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1);
    let value = (0..6).fold(0, |value, offset| value * 2 + usize::from(bit(index * 6 + offset)));
    char::from(alphabet[value])
}

#[cfg(test)]
mod tests {
    use super::super::{Redactor, STAND_IN};
    use super::*;

    const SECRET: &str = "p/W#1 <a&b>\"c'd\\e~ü$x";

    #[test]
    fn the_forms_of_other_programs_are_found() {
        let redactor = Redactor::new(vec![SECRET.to_owned()]);
        for text in [
            // python3 -c 'from urllib.parse import *; quote(s); quote_plus(s)'
            "p/W%231%20%3Ca%26b%3E%22c%27d%5Ce~%C3%BC%24x",
            "p%2FW%231+%3Ca%26b%3E%22c%27d%5Ce~%C3%BC%24x",
            // encodeURIComponent(s); encodeURI(s)
            "p%2FW%231%20%3Ca%26b%3E%22c'd%5Ce~%C3%BC%24x",
            "p/W#1%20%3Ca&b%3E%22c'd%5Ce~%C3%BC$x",
            // python3 -c 'html.escape(s)'; Go's html.EscapeString
            "p/W#1 &lt;a&amp;b&gt;&quot;c&#x27;d\\e~ü$x",
            "p/W#1 &lt;a&amp;b&gt;&#34;c&#39;d\\e~ü$x",
            // json.dumps(json.dumps(s)); Go's json.Marshal
            "p/W#1 <a&b>\\\\\\\"c'd\\\\\\\\e~\\\\u00fc$x",
            "p/W#1 \\u003ca\\u0026b\\u003e\\\"c'd\\\\e~ü$x",
            // repr(s); printf %q; shlex.quote(s)
            "p/W#1 <a&b>\"c\\'d\\\\e~ü$x",
            "p/W#1\\ \\<a\\&b\\>\\\"c\\'d\\\\e~ü\\$x",
            "p/W#1 <a&b>\"c'\"'\"'d\\e~ü$x",
            // xxd -p
            "702f572331203c6126623e226327645c657ec3bc2478",
            "702F572331203C6126623E226327645C657EC3BC2478",
        ] {
            assert_eq!(redactor.redact(&format!("<{text}>")), "<[redacted]>", "{text}");
        }
    }

    #[test]
    fn base64_and_hexadecimal_in_lines_are_found_line_by_line() {
        let secret: String = (0..152).map(|at| char::from(b'!' + at % 90)).collect();
        let redactor = Redactor::new(vec![secret.clone()]);
        for whole in [secret.clone(), format!("{secret}\n")] {
            let base64 = padded(&whole, STANDARD);
            let digits = crate::hex::digits(whole.as_bytes());
            for line in in_lines(&base64, 76)
                .into_iter()
                .chain(in_lines(&base64, 64))
                .chain(in_lines(&digits, 60))
            {
                assert_eq!(redactor.redact(&format!("{line}\n")), format!("{STAND_IN}\n"));
            }
        }
    }
}
