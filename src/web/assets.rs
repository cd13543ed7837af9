//! The files of `static/`, embedded in the binary, each under a path that changes with its content; for pages, panel and route table.

use std::sync::LazyLock;

use aws_lc_rs::digest;

/// What to send with every asset: its path names its content, so that it can be kept for a year and never asked for again.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// Every file there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asset {
    /// The values that everything is drawn with.
    Tokens,
    /// The parts of pages and panel; needs [`Asset::Tokens`].
    Looks,
    /// What the panel does without reloading.
    PanelScript,
    /// Copy buttons on pages.
    PageScript,
    /// The icon of the site.
    Mark,
}

/// A file as it is sent.
pub struct File {
    /// Its name below `/static/{hash}/`.
    pub name: &'static str,
    /// What its `Content-Type` header says.
    pub content_type: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

// In the order of `Asset`, which is their index.
static FILES: [File; 5] = [
    File { name: "tokens.css", content_type: CSS, bytes: include_bytes!("../../static/tokens.css") },
    File { name: "looks.css", content_type: CSS, bytes: include_bytes!("../../static/looks.css") },
    File { name: "panel.js", content_type: JAVASCRIPT, bytes: include_bytes!("../../static/panel.js") },
    File { name: "page.js", content_type: JAVASCRIPT, bytes: include_bytes!("../../static/page.js") },
    File { name: "mark.svg", content_type: "image/svg+xml", bytes: include_bytes!("../../static/mark.svg") },
];
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

static PATHS: LazyLock<[String; 5]> =
    LazyLock::new(|| FILES.each_ref().map(|file| format!("/static/{}/{}", hash(file.bytes), file.name)));

/// The path of an asset, `/static/{hash}/{name}`, computed once.
pub fn asset_path(asset: Asset) -> &'static str {
    &PATHS[asset as usize]
}

/// The file at `/static/{hash}/{name}`; none when there is no such file or its content is another.
pub fn find(hash: &str, name: &str) -> Option<&'static File> {
    let wanted = |path: &String| path.strip_prefix("/static/").and_then(|rest| rest.split_once('/')) == Some((hash, name));
    PATHS.iter().position(wanted).map(|at| &FILES[at])
}

/// The first 64 bits of the content's SHA-256 in hexadecimal digits: enough to tell versions apart.
fn hash(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Asset; 5] = [Asset::Tokens, Asset::Looks, Asset::PanelScript, Asset::PageScript, Asset::Mark];

    #[test]
    fn every_asset_is_found_at_its_own_path() {
        for (asset, name) in ALL.into_iter().zip(["tokens.css", "looks.css", "panel.js", "page.js", "mark.svg"]) {
            let path = asset_path(asset);
            let (hash, found) = path.strip_prefix("/static/").unwrap().split_once('/').unwrap();
            assert_eq!(found, name);
            assert_eq!(find(hash, found).unwrap().name, name);
        }
    }

    #[test]
    fn a_path_with_another_hash_or_name_finds_nothing() {
        assert!(find("0000000000000000", "looks.css").is_none());
        assert!(find("", "").is_none());
        let hash = asset_path(Asset::Looks).split('/').nth(2).unwrap();
        assert!(find(hash, "tokens.css").is_none());
        assert!(find(hash, "../looks.css").is_none());
    }
}
