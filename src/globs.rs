//! Path globs of flakeward.toml and of rule pages.

use globset::{Glob, GlobSet, GlobSetBuilder};

/// The number of globs in a set for each glob of the user.
pub const FORMS: usize = 2;

/// More deeply nested alternatives (`{a,{b,..}}`) are refused, because they are parsed recursively.
const MAX_BRACES: usize = 64;

/// A glob set with the semantics of gitignore: `*` does not match `/`, and a bare name or `dir/` matches everything below.
/// `Err` has the index of the first invalid glob, and the reason.
pub fn set(globs: &[String]) -> Result<GlobSet, (usize, String)> {
    let mut builder = GlobSetBuilder::new();
    for (index, glob) in globs.iter().enumerate() {
        let trimmed = glob.trim_start_matches("./").trim_end_matches('/');
        let anywhere = if trimmed.contains('/') { "" } else { "**/" };
        let trimmed = trimmed.trim_start_matches('/');
        let forms: [String; FORMS] = [format!("{anywhere}{trimmed}"), format!("{anywhere}{trimmed}/**")];
        if nests_too_deep(glob.as_bytes()) {
            return Err((index, "its alternatives are nested too deeply".to_owned()));
        }
        for form in forms {
            let parsed: Result<Glob, _> = globset::GlobBuilder::new(&form).literal_separator(true).build();
            builder.add(parsed.map_err(|error| (index, error.kind().to_string()))?);
        }
    }
    builder.build().map_err(|error| (0, error.kind().to_string()))
}

/// Whether alternatives in a glob are nested too deeply.
pub fn nests_too_deep(glob: &[u8]) -> bool {
    let mut depth = 0usize;
    glob.iter().any(|byte| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_BRACES
    })
}
