//! Reads files: only regular ones, up to a size, and without following links.

use std::io::Read;
use std::path::Path;

use super::{Entry, Unreadable, by_content, links};
use crate::source::Source;

/// The maximum size of a file, in bytes. Larger files are reported and not read, because configuration files are
/// smaller.
pub const MAX_FILE: u64 = 32 << 20;

/// The message about pipes, sockets and devices.
pub const NO_FILE: &str = "it is neither a file nor a directory";

/// The message about symbolic links.
pub const LINK: &str = "it is a symbolic link, and links are not followed";

/// Opens a regular file. Links are not followed, and the call does not block if a pipe replaces the file in the
/// meantime.
pub fn open_regular(path: &Path) -> Result<std::fs::File, String> {
    open_sized(path).map(|(file, _)| file)
}

/// Opens a regular file and returns its size. Makes as few system calls as possible, because they take much of a run's
/// time.
fn open_sized(path: &Path) -> Result<(std::fs::File, u64), String> {
    let mut options = std::fs::File::options();
    options.read(true);
    never_wait(&mut options);
    let file = options.open(path).map_err(|error| unopened(&error))?;
    let opened = file.metadata().map_err(|error| io_reason(&error))?;
    match opened.is_file() {
        true => Ok((file, opened.len())),
        false if opened.is_dir() => Err("it is a directory".to_owned()),
        false => Err(NO_FILE.to_owned()),
    }
}

/// The reason why a file could not be opened without following links.
fn unopened(error: &std::io::Error) -> String {
    use rustix::io::Errno;
    match Errno::from_io_error(error) {
        Some(Errno::LOOP) => LINK.to_owned(),
        // The errors of Linux and macOS for opening a socket.
        Some(Errno::NXIO | Errno::OPNOTSUPP) => NO_FILE.to_owned(),
        _ => io_reason(error),
    }
}

fn never_wait(options: &mut std::fs::OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    options.custom_flags(flags.bits() as i32);
}

/// Reads a regular file of at most `limit` bytes. The error is a message.
pub fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let (file, size) = open_sized(path)?;
    if size > limit {
        return Err(too_large(size, limit));
    }
    read_all(file, size, limit)
}

/// Reads to the end. The error is a message; more than `limit` bytes are an error. `size` is the expected number of
/// bytes.
pub fn read_all(from: impl Read, size: u64, limit: u64) -> Result<Vec<u8>, String> {
    let size = size.min(limit) as usize;
    let mut from = from.take(limit + 1);
    // The buffer has one byte more than expected. A shorter read means the end of the file, so most files are read with
    // one call.
    let mut bytes = vec![0; size + 1];
    // An interrupted call is repeated below.
    let count = match from.read(&mut bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => 0,
        read => read.map_err(|error| io_reason(&error))?,
    };
    bytes.truncate(count);
    if count != size || size == 0 {
        from.read_to_end(&mut bytes).map_err(|error| io_reason(&error))?;
    }
    if bytes.len() as u64 > limit {
        return Err(format!("it is larger than the limit of {}", amount(limit)));
    }
    Ok(bytes)
}

fn too_large(size: u64, limit: u64) -> String {
    format!("its size of {} exceeds the limit of {}", amount(size), amount(limit))
}

/// Formats a number of bytes in MiB, or in KiB if it is less than one MiB.
fn amount(bytes: u64) -> String {
    if bytes >> 20 > 0 { format!("{} MiB", bytes >> 20) } else { format!("{} KiB", bytes >> 10) }
}

/// Reads a file. A file that cannot be read, or that is not text, is an error with the reason, and is never skipped
/// silently.
pub fn read(entry: &Entry) -> Result<Source, Unreadable> {
    let fail = |reason: String| Unreadable { path: entry.path.clone(), reason };
    let bytes = read_bytes(&entry.file, MAX_FILE).map_err(fail)?;
    let text = decode(bytes).map_err(fail)?;
    let kind = by_content(&entry.path, entry.kind, &text);
    Ok(Source { path: entry.path.clone(), file: entry.file.clone(), kind, text })
}

/// Reads a settings file of at most `limit` bytes. A file that was found in a repository, and not given explicitly,
/// must not be a link to a file that is outside the repository, in `.git` or untracked, because messages show its
/// content.
pub fn read_settings(file: &Path, found_in: Option<&Path>, limit: u64) -> Result<String, String> {
    let reason = |error: std::io::Error| io_reason(&error);
    let bytes = match found_in {
        Some(root) => {
            let target = file.canonicalize().map_err(reason)?;
            let real_root = root.canonicalize().map_err(reason)?;
            let Ok(inside) = target.strip_prefix(&real_root) else {
                return Err("it is a symbolic link to a file outside the repository".to_owned());
            };
            if file.strip_prefix(root) != Ok(inside) {
                links::refuse_private(&target)?;
            }
            read_bytes(&target, limit)?
        }
        None => read_all(std::fs::File::open(file).map_err(reason)?, 0, limit)?,
    };
    decode(bytes)
}

/// Decodes a file's bytes. The error is the reason why they are not text.
pub fn decode(bytes: Vec<u8>) -> Result<String, String> {
    if is_utf16(&bytes) {
        return Err("it is UTF-16, not UTF-8".to_owned());
    }
    if let Some(tool) = encrypted_by(&bytes) {
        return Err(format!("it is encrypted by {tool}"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = memchr::memchr_iter(b'\n', &error.as_bytes()[..at]).count() + 1;
        format!("it is not UTF-8 (first at byte {at}, line {line})")
    })
}

/// The tool that encrypted a file, by the header of its format (git-crypt's commands.cpp, age's specification). `None`
/// for other files.
fn encrypted_by(bytes: &[u8]) -> Option<&'static str> {
    let headers: [(&[u8], &str); 2] = [(b"\0GITCRYPT\0", "git-crypt"), (b"age-encryption.org/v1\n", "age")];
    headers.iter().find(|(header, _)| bytes.starts_with(header)).map(|(_, tool)| *tool)
}

/// Whether the content begins with the byte order mark of UTF-16, or with two ASCII characters in UTF-16, which are
/// also valid UTF-8.
fn is_utf16(bytes: &[u8]) -> bool {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [a, 0, b, 0, ..] | [0, a, 0, b, ..] => *a != 0 && *b != 0,
        _ => false,
    }
}

/// Formats an I/O error without the system's error number.
pub fn io_reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "it does not exist".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}
