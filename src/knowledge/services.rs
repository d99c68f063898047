//! Services by their usual names, to distinguish them.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// Services with a default port, in lower case, without separators and digits, sorted. Names that are common words are
/// left out. Proxies and dashboards are also left out, because their configurations mention the ports of other
/// services.
#[rustfmt::skip]
const SERVICES: &[&str] = &[
    "adguardhome", "alertmanager", "atticd", "audiobookshelf", "bazarr", "bitcoind", "blocky", "clickhouse",
    "cockroachdb", "couchdb", "dendrite", "dovecot", "elasticsearch", "etcd", "firefly", "forgejo", "freshrss", "gitea",
    "gitlab", "gotosocial", "grafana", "harmonia", "headscale", "homeassistant", "immich", "influxdb", "jellyfin",
    "jellyseerr", "kafka", "kanidm", "keycloak", "lidarr", "linkding", "lldap", "loki", "mariadb", "mastodon", "matrix",
    "mealie", "meilisearch", "memcached", "miniflux", "minio", "mongodb", "mosquitto", "mysql", "nats", "navidrome",
    "nextcloud", "ollama", "opengs", "opensearch", "paperless", "peertube", "pihole", "plex", "postfix", "postgres",
    "postgresql", "prometheus", "prosody", "prowlarr", "qbittorrent", "rabbitmq", "radarr", "radicale", "readarr",
    "redis", "sabnzbd", "samba", "searx", "searxng", "sonarr", "stalwart", "synapse", "syncthing", "tautulli",
    "transmission", "unbound", "unifi", "valkey", "vaultwarden", "vikunja", "wireguard", "zigbeemqtt", "zookeeper",
];

/// Alternative names of one service.
const SAME: [(&str, &str); 3] = [("postgres", "postgresql"), ("searx", "searxng"), ("matrix", "synapse")];

/// The services that the given words name; two adjacent words can form one name.
pub fn named(words: &[String]) -> BTreeSet<&'static str> {
    let pairs = words.windows(2).map(|pair| Cow::Owned(pair.concat()));
    let names = words.iter().map(|word| Cow::Borrowed(word.as_str())).chain(pairs);
    let found = names.filter_map(|name| SERVICES.binary_search(&&*name).ok().map(|index| SERVICES[index]));
    found.map(|service| SAME.iter().find(|(_, other)| *other == service).map_or(service, |(name, _)| name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_sorted() {
        assert!(SERVICES.is_sorted());
    }

    #[test]
    fn adjacent_words_form_a_name() {
        let words = ["home", "assistant", "postgresql"].map(str::to_owned);
        assert_eq!(named(&words), BTreeSet::from(["homeassistant", "postgres"]));
    }
}
