//! Split indexes: most entries are in a shared index, and the index itself contains only the changes to them.
//!
//! The extension `link` of the index contains the object id of the shared index, and two bitmaps: which of the shared
//! entries are deleted, and which are replaced by the first entries in the index.

use std::fmt::Write;

use super::Index;

/// The file name of the shared index that the extension `link` refers to by an object id of `id` bytes. `None` if it
/// does not refer to one.
pub(super) fn name(link: &[u8], id: usize) -> Option<String> {
    let shared = link.get(..id).filter(|shared| shared.iter().any(|&byte| byte != 0))?;
    let mut name = "sharedindex.".to_owned();
    for byte in shared {
        let _ = write!(name, "{byte:02x}");
    }
    Some(name)
}

/// The entries of a shared index with the changes in an index applied. `None` if the changes do not match them.
pub(super) fn merged(base: Vec<(Vec<u8>, u32)>, index: &Index<'_>) -> Option<Vec<(Vec<u8>, u32)>> {
    let bitmaps = index.link?.get(index.id..)?;
    let (deleted, rest) = bitmap(bitmaps, base.len())?;
    let (replaced, _) = bitmap(rest, base.len())?;
    let (replacements, added): (Vec<_>, Vec<_>) = index.entries.iter().partition(|(path, _)| path.is_empty());
    let mut replacements = replacements.into_iter().map(|(_, mode)| *mode);
    let mut all = Vec::with_capacity(base.len() + added.len());
    for (at, (path, mode)) in base.into_iter().enumerate() {
        let mode = if replaced[at] { replacements.next()? } else { mode };
        if !deleted[at] {
            all.push((path, mode));
        }
    }
    all.extend(added.into_iter().cloned());
    replacements.next().is_none().then_some(all)
}

/// Reads the first `count` bits of a bitmap in git's EWAH format. Returns them and the bytes after the bitmap. The
/// format: <https://git-scm.com/docs/bitmap-format>, "Appendix A".
fn bitmap(bytes: &[u8], count: usize) -> Option<(Vec<bool>, &[u8])> {
    let number = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    // The number of bits comes first, followed by the number of words, the words, and the position of the last run.
    let words = number(4)? as usize;
    let end = words.checked_mul(8)?.checked_add(8)?;
    let rest = bytes.get(end.checked_add(4)?..)?;
    let mut words = bytes.get(8..end)?.as_chunks::<8>().0.iter().map(|word| u64::from_be_bytes(*word));
    let mut bits = Vec::with_capacity(count);
    while let Some(run) = words.next() {
        let (value, repeats, literals) = (run & 1 == 1, (run >> 1) & 0xffff_ffff, run >> 33);
        let repeats = repeats.saturating_mul(64).min((count - bits.len()) as u64);
        bits.extend(std::iter::repeat_n(value, repeats as usize));
        for _ in 0..literals {
            let word = words.next()?;
            let left = (count - bits.len()).min(64);
            bits.extend((0..left).map(|bit| word >> bit & 1 == 1));
        }
    }
    bits.resize(count, false);
    Some((bits, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitmaps_consist_of_runs_and_literals() {
        let run = |value: u64, repeats: u64, literals: u64| (value | repeats << 1 | literals << 33).to_be_bytes();
        let words = [run(0, 1, 1), 0b101u64.to_be_bytes(), run(1, 1, 0)].concat();
        let bytes = [&192u32.to_be_bytes()[..], &3u32.to_be_bytes(), &words, &[0; 4], b"rest"].concat();
        let (bits, rest) = bitmap(&bytes, 200).unwrap();
        let set: Vec<usize> = (0..200).filter(|at| bits[*at]).collect();
        assert_eq!(set, [64, 66].into_iter().chain(128..192).collect::<Vec<_>>());
        assert_eq!(rest, b"rest");
        // Only the requested bits of a very long run are read.
        let endless = [&[0; 4][..], &1u32.to_be_bytes(), &run(1, 0xffff_ffff, 0), &[0; 4]].concat();
        assert_eq!(bitmap(&endless, 3), Some((vec![true; 3], &[][..])));
        for cut in 0..bytes.len() {
            let _ = bitmap(&bytes[..cut], 200);
        }
    }
}
