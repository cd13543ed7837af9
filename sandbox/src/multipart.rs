//! Forms with files, read as Bitbucket reads them.
//!
//! Source: <https://www.rfc-editor.org/rfc/rfc7578>.

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// Only files have one.
    pub(crate) filename: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

/// Whether a body says that it is a form with files.
pub(crate) fn is_multipart(content_type: &str) -> bool {
    content_type.to_ascii_lowercase().starts_with("multipart/form-data")
}

/// The fields of a form in their order; `None` for what is not well formed.
pub(crate) fn parts(content_type: &str, body: &[u8]) -> Option<Vec<Part>> {
    let boundary = content_type.split_once("boundary=")?.1.split(';').next()?.trim_matches('"');
    let delimiter = format!("--{boundary}");
    let mut rest = body.strip_prefix(delimiter.as_bytes())?;
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        let inner = format!("\r\n{delimiter}");
        let end = find(rest, inner.as_bytes())?;
        let (head, bytes) = rest.strip_prefix(b"\r\n").map(|_| &rest[2..end]).and_then(|part| split(part, b"\r\n\r\n"))?;
        parts.push(part(std::str::from_utf8(head).ok()?, bytes)?);
        rest = &rest[end + inner.len()..];
    }
}

fn part(head: &str, bytes: &[u8]) -> Option<Part> {
    let is_disposition = |line: &&str| line.to_ascii_lowercase().starts_with("content-disposition: form-data;");
    let disposition = head.split("\r\n").find(is_disposition)?;
    let value = |key: &str| {
        let (_, rest) = disposition.split_once(&format!("; {key}=\""))?;
        Some(rest.split('"').next()?.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
    };
    Some(Part { name: value("name")?, filename: value("filename"), bytes: bytes.to_vec() })
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = find(bytes, at)?;
    Some((&bytes[..place], &bytes[place + at.len()..]))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_files_are_told_apart() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nWhy\r\n--x\r\n\
            Content-Disposition: form-data; name=\"a/b.bin\"; filename=\"b.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n\
            \x00\r\n--\xff\r\n--x--\r\n";
        let read = parts("multipart/form-data; boundary=x", body).unwrap();
        assert_eq!((read[0].name.as_str(), read[0].filename.as_deref(), &read[0].bytes[..]), ("message", None, &b"Why"[..]));
        assert_eq!((read[1].name.as_str(), read[1].filename.as_deref()), ("a/b.bin", Some("b.bin")));
        assert_eq!(read[1].bytes, b"\x00\r\n--\xff");
        assert_eq!(parts("multipart/form-data; boundary=y", body), None);
        assert_eq!(parts("multipart/form-data; boundary=x", &body[..40]), None);
    }
}
