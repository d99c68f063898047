//! Top-level domains: which names the public DNS can know.

/// The generic top-level domains that hosts of public services commonly have, out of the list of IANA
/// (<https://data.iana.org/TLD/tlds-alpha-by-domain.txt>), and those that RFC 2606, RFC 6761 and RFC 7686 reserve for
/// documentation, tests and Tor. All domains of two letters are countries.
#[rustfmt::skip]
const GENERIC: &[&str] = &[
    "academy", "agency", "app", "arpa", "art", "audio", "band", "best", "bike", "biz", "blog", "bot", "build",
    "business", "cafe", "camp", "care", "cash", "center", "chat", "city", "cloud", "club", "codes", "coffee", "com",
    "community", "company", "computer", "contact", "coop", "dance", "date", "day", "design", "dev", "digital", "direct",
    "domains", "download", "earth", "edu", "email", "energy", "engineering", "events", "example", "expert", "family",
    "farm", "fun", "games", "garden", "global", "gov", "group", "guide", "guru", "haus", "help", "host", "hosting",
    "info", "ink", "institute", "int", "international", "invalid", "life", "link", "live", "lol", "market", "media",
    "mil", "mobi", "moe", "monster", "museum", "name", "net", "network", "news", "ninja", "one", "onion", "online", "org",
    "page", "pro", "rocks", "run", "shop", "site", "social", "software", "solutions", "space", "store", "systems", "tech",
    "top", "team", "technology", "tel", "today", "tools", "travel", "tube", "vip", "website", "wiki", "win", "work", "works",
    "world", "xyz", "zone",
];

/// Whether names under a top-level domain can belong to anybody. `false` for one that only a private network has.
pub fn is_public(top_level: &str) -> bool {
    let is_country = top_level.len() == 2 && top_level.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_country || GENERIC.contains(&top_level)
}
