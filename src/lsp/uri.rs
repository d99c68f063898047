//! `file:` URIs and paths.

use std::path::{Path, PathBuf};

use gen_lsp_types::Uri;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::walk;

/// The characters to escape in the path of a URI: all those that RFC 3986 does not allow there.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The path of a `file:` URI. `None` for other schemes (an untitled buffer, a file inside an archive), for other hosts,
/// and for paths that are longer than the system allows.
pub fn to_path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.0.strip_prefix("file://")?;
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let path = path.split(['?', '#']).next().unwrap_or(path);
    if !path.starts_with('/') {
        return None;
    }
    let bytes: Vec<u8> = percent_decode_str(path).collect();
    Some(walk::path_of_bytes(&bytes)).filter(|path| !walk::is_too_long(path))
}

/// The `file:` URI of an absolute path.
pub fn from_path(path: &Path) -> Uri {
    Uri(format!("file://{}", utf8_percent_encode(&path.to_string_lossy(), ESCAPED)))
}

/// The URI of a path under a folder, given the URI of the folder.
pub fn join(folder: &Uri, path: &Path) -> Uri {
    if path.as_os_str().is_empty() {
        return folder.clone();
    }
    let rest = utf8_percent_encode(&path.to_string_lossy(), ESCAPED).to_string();
    Uri(format!("{}/{rest}", folder.0.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_conversion_to_a_uri_and_back() {
        for path in ["/a/b.nix", "/with space/#1/ü.nix", "/100%/[x]/{y}?.nix"] {
            assert_eq!(to_path(&from_path(Path::new(path))).as_deref(), Some(Path::new(path)), "{path}");
        }
        assert_eq!(from_path(Path::new("/a b/ü")).0, "file:///a%20b/%C3%BC");
    }

    #[test]
    fn only_uris_of_local_files_have_a_path() {
        for uri in ["untitled:Untitled-1", "file://server/share/a.nix", "https://example.org/a.nix", "file:a"] {
            assert_eq!(to_path(&Uri::from(uri)), None, "{uri}");
        }
        assert_eq!(to_path(&Uri::from("file://localhost/a%2Fb")).as_deref(), Some(Path::new("/a/b")));
        assert_eq!(to_path(&Uri::from(format!("file:///{}", "a/".repeat(100_000)))), None);
    }
}
