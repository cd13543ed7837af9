//! Any path that somebody types for a call is refused or becomes one below the API: no dots, no empty part, nothing that an
//! address parser reads as a host, a query or a fragment, and the same again when it is read once more.
#![no_main]

#[path = "../../src/bitbucket"]
mod bitbucket {
    pub mod operations;
    pub mod path;
}

use bitbucket::operations::{LONGEST_PATH_BYTES, RelativePath, Target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, &str)| {
    let (reads, typed) = input;
    let Ok(path) = RelativePath::parse(typed) else {
        return;
    };
    assert!(typed.len() <= LONGEST_PATH_BYTES);
    for segment in path.segments() {
        assert!(!segment.is_empty() && segment != "." && segment != "..");
        assert!(!segment.contains(['/', '\\']) && !segment.contains(char::is_control));
    }
    let Ok(target) = Target::find(if reads { "GET" } else { "DELETE" }, &path) else {
        return;
    };
    let Ok(path) = target.path() else {
        return;
    };
    let sent = path.as_str();
    assert!(sent.starts_with("/2.0/") && !sent.contains("//"));
    assert!(
        sent.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte))
    );
    assert!(!sent.split('/').any(|part| part == "." || part == ".."));
    for (_, argument) in &target.arguments {
        assert!(typed.len() >= argument.len());
    }
});
