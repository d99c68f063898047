//! Top-level domains: which names the public DNS can resolve.

/// The generic top-level domains that are common for public services, from IANA's list
/// (<https://data.iana.org/TLD/tlds-alpha-by-domain.txt>), and those that RFC 2606, RFC 6761 and RFC 7686 reserve for
/// documentation, tests and Tor.
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

/// The top-level domains of countries and of the European Union, from the same list. Other two-letter domains are
/// private: `wg`, `zt`.
#[rustfmt::skip]
const COUNTRIES: &[&str] = &[
    "ac", "ad", "ae", "af", "ag", "ai", "al", "am", "ao", "aq", "ar", "as", "at", "au", "aw", "ax", "az", "ba", "bb", "bd",
    "be", "bf", "bg", "bh", "bi", "bj", "bm", "bn", "bo", "br", "bs", "bt", "bv", "bw", "by", "bz", "ca", "cc", "cd", "cf",
    "cg", "ch", "ci", "ck", "cl", "cm", "cn", "co", "cr", "cu", "cv", "cw", "cx", "cy", "cz", "de", "dj", "dk", "dm", "do",
    "dz", "ec", "ee", "eg", "er", "es", "et", "eu", "fi", "fj", "fk", "fm", "fo", "fr", "ga", "gb", "gd", "ge", "gf", "gg",
    "gh", "gi", "gl", "gm", "gn", "gp", "gq", "gr", "gs", "gt", "gu", "gw", "gy", "hk", "hm", "hn", "hr", "ht", "hu", "id",
    "ie", "il", "im", "in", "io", "iq", "ir", "is", "it", "je", "jm", "jo", "jp", "ke", "kg", "kh", "ki", "km", "kn", "kp",
    "kr", "kw", "ky", "kz", "la", "lb", "lc", "li", "lk", "lr", "ls", "lt", "lu", "lv", "ly", "ma", "mc", "md", "me", "mg",
    "mh", "mk", "ml", "mm", "mn", "mo", "mp", "mq", "mr", "ms", "mt", "mu", "mv", "mw", "mx", "my", "mz", "na", "nc", "ne",
    "nf", "ng", "ni", "nl", "no", "np", "nr", "nu", "nz", "om", "pa", "pe", "pf", "pg", "ph", "pk", "pl", "pm", "pn", "pr",
    "ps", "pt", "pw", "py", "qa", "re", "ro", "rs", "ru", "rw", "sa", "sb", "sc", "sd", "se", "sg", "sh", "si", "sj", "sk",
    "sl", "sm", "sn", "so", "sr", "ss", "st", "su", "sv", "sx", "sy", "sz", "tc", "td", "tf", "tg", "th", "tj", "tk", "tl",
    "tm", "tn", "to", "tr", "tt", "tv", "tw", "tz", "ua", "ug", "uk", "us", "uy", "uz", "va", "vc", "ve", "vg", "vi", "vn",
    "vu", "wf", "ws", "ye", "yt", "za", "zm", "zw",
];

/// Whether anyone can register names under a top-level domain. `false` for domains that exist only in private networks.
pub fn is_public(top_level: &str) -> bool {
    COUNTRIES.contains(&top_level) || GENERIC.contains(&top_level)
}
