//! The direction of imports: a module uses only those that stand before it in `src/lib.rs`.

use std::fs;
use std::path::{Path, PathBuf};

const ORDER: [&str; 17] = [
    "config",
    "telemetry",
    "error",
    "storage",
    "connect",
    "forge",
    "bitbucket",
    "jobs",
    "people",
    "connections",
    "app",
    "activity",
    "platform",
    "panel",
    "web",
    "api",
    "server",
];
/// Protocols and storage do not know one another, though they stand in a row.
const STRANGERS: [&str; 4] = ["storage", "connect", "forge", "bitbucket"];

#[test]
fn a_module_imports_only_from_those_before_it() {
    let mut wrong = Vec::new();
    for file in sources() {
        let text = fs::read_to_string(&file).unwrap();
        let Some(own) = module_of(&file) else { continue };
        for named in named_modules(&text) {
            let (own_at, named_at) = (place(&own), place(&named));
            let points_back = matches!((own_at, named_at), (Some(own), Some(named)) if named > own);
            let are_strangers = own != named && STRANGERS.contains(&own.as_str()) && STRANGERS.contains(&named.as_str());
            if points_back || are_strangers {
                wrong.push(format!("{} uses {named}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_of_the_map_is_in_the_order() {
    let map = fs::read_to_string(root().join("lib.rs")).unwrap();
    let declared: Vec<&str> = map.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(declared, ORDER);
}

#[test]
fn people_know_no_web_framework_and_pages_know_no_database() {
    for file in sources() {
        let text = fs::read_to_string(&file).unwrap();
        let forbidden = match module_of(&file).as_deref() {
            Some("people") => "actix",
            Some("web" | "panel" | "api") => "diesel",
            _ => continue,
        };
        assert!(!text.contains(forbidden), "{} mentions {forbidden}", file.display());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root(), &mut files);
    files
}

fn module_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix(root()).unwrap();
    let first = inside.components().next()?.as_os_str().to_str()?;
    let name = first.trim_end_matches(".rs");
    (name != "lib" && name != "main").then(|| name.to_owned())
}

fn place(module: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == module)
}

/// The modules a source names as `crate::x`, docs and tests included.
fn named_modules(text: &str) -> Vec<String> {
    text.match_indices("crate::")
        .filter_map(|(at, marker)| {
            let rest = &text[at + marker.len()..];
            let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            place(&name).map(|_| name)
        })
        .collect()
}
