//! Certificates. A server cannot serve HTTPS without its certificate files.

use super::super::parse::Directive;
use super::Rewrite;

/// Whether a server serves HTTPS, and whether its certificate is available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// It does not serve HTTPS.
    No,
    /// Its certificate is a file in the repository.
    Yes,
    /// It serves HTTPS, but its certificate is not available.
    Lost,
}

/// Whether a directive only makes sense with TLS on the listening side.
pub fn is_for_tls(directive: &Directive) -> bool {
    directive.name().starts_with("ssl_") || matches!(directive.name(), "ssl" | "http2" | "http3" | "quic_retry")
}

impl Rewrite<'_, '_, '_, '_> {
    /// Whether a server has TLS. `http` contains the directives around it. Reports a certificate that is not available.
    pub fn tls(&self, server: &[Directive], http: &[Directive], file: &str) -> Tls {
        let is_tls = |directive: &&Directive| {
            directive.name() == "listen" && directive.words.iter().any(|word| matches!(word.as_str(), "ssl" | "quic"))
        };
        let Some(listen) = server.iter().find(is_tls) else { return Tls::No };
        let needed = ["ssl_certificate", "ssl_certificate_key"];
        let of = |name: &str| server.iter().chain(http).find(|directive| directive.name() == name);
        for name in needed {
            let Some(path) = of(name).and_then(|directive| directive.argument(1)) else {
                self.leave(file, listen.line, format!("the server has no `{name}` in this file"), "add the directive");
                return Tls::Lost;
            };
            if self.in_checkout(path).is_none() {
                let why = format!("{path} is not a file in this repository, so the server listens without TLS");
                self.leave(
                    file,
                    listen.line,
                    why,
                    "use HTTP on this machine, or mount a certificate, delete the written module, and migrate again with `--force`",
                );
                return Tls::Lost;
            }
        }
        Tls::Yes
    }
}
