//! Whatever stands in the body or the headers of an error is read without harm, and what is kept of it is short and on one line; whatever
//! segments a path is built from, it stays below the root of the API and says what they said.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/bitbucket"]
mod bitbucket {
    pub mod limits;
    pub mod path;
    pub mod failure {
        pub mod body;

        /// As in the server.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Barrier {
            Unsaid,
            IpAllowList,
            TwoStepVerification,
            Plan,
        }
    }

    /// Reads one text as each of the headers.
    pub fn read_limits(text: &str) {
        for header in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-ratelimit-nearlimit", "retry-after", "date"] {
            let limits = limits::Limits::read(|name| (name == header).then_some(text), 1_795_000_000);
            assert!(limits.reset_seconds.is_none_or(|seconds| seconds <= 3600));
        }
    }
}

use bitbucket::failure::body::ErrorBody;
use bitbucket::path::ApiPath;

fuzz_target!(|input: (&[u8], &str)| {
    let (body, text) = input;
    bitbucket::read_limits(text);

    let said = ErrorBody::read(body);
    let texts = said.message.iter().chain(said.fields.iter().flat_map(|(name, text)| [name, text]));
    for text in texts.chain(&said.required).chain(&said.granted) {
        assert!(text.chars().count() <= 300 && !text.chars().any(char::is_control));
    }
    if let Some(address) = said.announcement {
        assert!(address.starts_with("https://") && !address.contains(char::is_whitespace));
    }

    let segments: Vec<&str> = text.split('/').collect();
    if let Ok(path) = ApiPath::of(&segments) {
        assert!(path.as_str().starts_with("/2.0/"));
        assert_eq!(path.segments(), segments);
        assert!(!segments.iter().any(|segment| *segment == "." || *segment == ".."));
    }
});
