//! Path globs in flakeward.toml and in rule pages.

use std::path::Path;

use globset::{Glob, GlobSet, GlobSetBuilder};

/// The number of compiled globs for each glob in the settings.
pub const FORMS: usize = 2;

/// The maximum nesting of alternatives (`{a,{b,..}}`). Deeper globs are rejected, because they are parsed recursively.
const MAX_BRACES: usize = 64;

/// The maximum length of a glob, in bytes. Longer globs are rejected, because the time to compile one grows with the
/// square of its length.
const MAX_LENGTH: usize = 1_000;

/// The number of globs that are matched at once. The memory for matching grows with the square of this number.
const PART: usize = 256;

/// A set of globs.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    parts: Vec<GlobSet>,
}

impl Globs {
    /// Compiles globs.
    pub fn new(globs: &[Glob]) -> Result<Self, globset::Error> {
        let compile = |part: &[Glob]| {
            let mut builder = GlobSetBuilder::new();
            for glob in part {
                builder.add(glob.clone());
            }
            builder.build()
        };
        Ok(Self { parts: globs.chunks(PART).map(compile).collect::<Result<_, _>>()? })
    }

    /// Whether any glob matches a path.
    pub fn is_match(&self, path: impl AsRef<Path>) -> bool {
        self.parts.iter().any(|part| part.is_match(&path))
    }

    /// The indices of the globs that match a path, in order.
    pub fn matches(&self, path: impl AsRef<Path>) -> Vec<usize> {
        let parts = self.parts.iter().enumerate();
        parts.flat_map(|(index, part)| part.matches(&path).into_iter().map(move |glob| index * PART + glob)).collect()
    }
}

/// A glob set with the semantics of gitignore: `*` does not match `/`, and a bare name or `dir/` matches everything in
/// it. `Err` contains the index of the first invalid glob, and the reason.
pub fn set(globs: &[String]) -> Result<Globs, (usize, String)> {
    let mut all = Vec::new();
    for (index, glob) in globs.iter().enumerate() {
        let trimmed = glob.trim_start_matches("./").trim_end_matches('/');
        let anywhere = if trimmed.contains('/') { "" } else { "**/" };
        let trimmed = trimmed.trim_start_matches('/');
        let forms: [String; FORMS] = [format!("{anywhere}{trimmed}"), format!("{anywhere}{trimmed}/**")];
        if let Some(reason) = refusal(glob.as_bytes()) {
            return Err((index, reason.to_owned()));
        }
        for form in forms {
            let parsed: Result<Glob, _> = globset::GlobBuilder::new(&form).literal_separator(true).build();
            all.push(parsed.map_err(|error| (index, error.kind().to_string()))?);
        }
    }
    Globs::new(&all).map_err(|error| (0, error.kind().to_string()))
}

/// Why a glob must not be compiled; `None` if it may be. Globs in a repository are untrusted.
pub fn refusal(glob: &[u8]) -> Option<&'static str> {
    let mut depth = 0usize;
    let nests_too_deep = glob.iter().any(|byte| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_BRACES
    });
    match nests_too_deep {
        true => Some("its alternatives are nested too deeply"),
        false => (glob.len() > MAX_LENGTH).then_some("it is longer than 1,000 bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_deeply_nested_globs_are_refused() {
        for (glob, refused) in [
            ("a/**/{b,c}.nix".to_owned(), false),
            ("a/".repeat(400), false),
            ("a/".repeat(600), true),
            ("{".repeat(MAX_BRACES + 1), true),
        ] {
            assert_eq!(refusal(glob.as_bytes()).is_some(), refused, "{glob}");
            assert_eq!(set(&[glob]).is_err_and(|(_, reason)| reason.starts_with("it")), refused);
        }
    }
}
