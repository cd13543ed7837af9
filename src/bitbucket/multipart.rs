//! Forms with files as they go on the wire. For the client. <https://www.rfc-editor.org/rfc/rfc7578>

/// A field of a form. Its `Debug` shows nothing of what is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// The name of the field; Bitbucket reads the path of a file to commit from it.
    pub name: String,
    /// The name of the file, where it is one.
    pub filename: Option<String>,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Part {
    /// How much it counts, in bytes.
    pub fn size(&self) -> usize {
        self.name.len() + self.filename.as_ref().map_or(0, String::len) + self.bytes.len()
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Part({} bytes)", self.bytes.len())
    }
}

/// A text that stands in no file, because nobody knew it before.
pub(super) fn boundary(random: [u8; 16]) -> String {
    random.iter().fold("clarityloop-".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// The whole form.
pub(super) fn encode(parts: &[Part], boundary: &str) -> Vec<u8> {
    let mut form = Vec::new();
    for part in parts {
        let name = escaped(&part.name);
        let head = match &part.filename {
            Some(filename) => {
                format!("name=\"{name}\"; filename=\"{}\"\r\nContent-Type: application/octet-stream", escaped(filename))
            }
            None => format!("name=\"{name}\""),
        };
        form.extend_from_slice(format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
        form.extend_from_slice(&part.bytes);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    form
}

/// As browsers do: a name must not end its own quotation or line.
fn escaped(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_files_stand_one_after_another_and_no_name_breaks_out() {
        let part = |name: &str, filename: Option<&str>, bytes: &[u8]| Part {
            name: name.to_owned(),
            filename: filename.map(str::to_owned),
            bytes: bytes.to_vec(),
        };
        let parts = [part("message", None, b"Why"), part("a/b\"\r\nX: y", Some("b.bin"), &[0, 255])];
        let form = encode(&parts, "x");
        let expected: &[u8] = b"--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nWhy\r\n--x\r\n\
            Content-Disposition: form-data; name=\"a/b%22%0D%0AX: y\"; filename=\"b.bin\"\r\n\
            Content-Type: application/octet-stream\r\n\r\n\x00\xff\r\n--x--\r\n";
        assert_eq!(form, expected);
        assert_eq!(format!("{:?}", parts[0]), "Part(3 bytes)");
        assert_eq!(boundary([7; 16]).len(), 44);
    }
}
