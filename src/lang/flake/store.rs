//! The store path of a locked input, computed from the lock as in Nix.
//!
//! <https://nix.dev/manual/nix/stable/protocols/store-path>

use sha2::{Digest, Sha256};

/// The digits of Nix's base 32.
const DIGITS: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// The length of the hash in a store path, in bytes.
const SHORT: usize = 20;

/// The store path of a source with this `narHash` (`sha256-` and base 64). `None` if it is not such a hash.
pub fn source_path(nar_hash: &str, store: &str) -> Option<String> {
    let hash = base64(nar_hash.strip_prefix("sha256-")?)?;
    if hash.len() != 32 {
        return None;
    }
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let full = Sha256::digest(format!("source:sha256:{hex}:{store}:source"));
    let mut short = [0; SHORT];
    for (index, byte) in full.iter().enumerate() {
        short[index % SHORT] ^= byte;
    }
    Some(format!("{store}/{}-source", base32(&short)))
}

/// Encodes bytes in Nix's base 32, with five bits per digit. The digits of the last bytes come first.
fn base32(bytes: &[u8]) -> String {
    let count = (bytes.len() * 8).div_ceil(5);
    let digit = |index: usize| {
        let (byte, bit) = (index * 5 / 8, index * 5 % 8);
        let next = bytes.get(byte + 1).copied().unwrap_or(0);
        let bits = (u16::from(bytes[byte]) | u16::from(next) << 8) >> bit;
        char::from(DIGITS[usize::from(bits & 0x1f)])
    };
    (0..count).rev().map(digit).collect()
}

/// Decodes base 64, with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_paths_equal_those_that_nix_computes() {
        // From `nix-instantiate --eval -E 'builtins.path { path = ./x; name = "source"; }'` and `nix hash path ./x`.
        let path = source_path("sha256-h4gyzSK14DjhF7cBN4VY+Km2ytc4Gg5tV6noZdNPhaY=", "/tmp/ro-nix/store");
        assert_eq!(path.as_deref(), Some("/tmp/ro-nix/store/f09qwpv6zq8bscyjzrgqp7bzc9794b5y-source"));
        for wrong in ["", "sha256-", "sha256-AAAA", "sha1-AAAA", "sha256-%"] {
            assert_eq!(source_path(wrong, "/nix/store"), None, "{wrong}");
        }
    }
}
