//! Services by port number. The build script reads them from `service_ports.tsv`, whose header describes the columns.

/// When a number identifies a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// Always, whatever program listens on it.
    Always,
    /// Unless there is other evidence: it is the default of one program and of few others.
    Usual,
    /// Only if a path or a comment mentions the service: it is the default of many programs.
    Named,
}

/// A service with a well-known port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// The number.
    pub number: u32,
    /// The service's name in camelCase.
    pub name: &'static str,
    /// The registry group that it belongs to.
    pub group: &'static str,
    /// When the number identifies this service.
    pub certainty: Certainty,
    /// Whether it is a protocol in IANA's registry rather than a program.
    pub is_protocol: bool,
    /// Other common names of the service.
    pub aliases: &'static str,
}

impl Service {
    /// Whether the port serves a service's metrics instead of the service itself.
    pub fn is_exporter(&self) -> bool {
        self.name.ends_with("Exporter") || self.name.ends_with("Metrics")
    }

    /// The words, in lower case, that identify the service in a path or a comment.
    pub fn keywords(&self) -> impl Iterator<Item = &'static str> {
        self.aliases.split(',').filter(|word| !word.is_empty())
    }
}

static TABLE: &[Service] = &include!(concat!(env!("OUT_DIR"), "/service_ports.rs"));

/// The names and aliases of the services, sorted, each with the index of its row.
static NAMES: &[(&str, usize)] = &include!(concat!(env!("OUT_DIR"), "/service_names.rs"));

/// The services with a port number, the most likely one first.
pub fn services(number: u32) -> &'static [Service] {
    let start = TABLE.partition_point(|service| service.number < number);
    let end = TABLE.partition_point(|service| service.number <= number);
    &TABLE[start..end]
}

/// Whether a lower-case word is by itself the name of a well-known service.
pub fn is_service(word: &str) -> bool {
    named(word).is_some()
}

/// The first service with the given lower-case name.
pub fn named(name: &str) -> Option<&'static Service> {
    let index = NAMES.binary_search_by_key(&name, |(known, _)| *known).ok()?;
    TABLE.get(NAMES[index].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_well_formed() {
        assert!(TABLE.len() > 300);
        assert!(TABLE.is_sorted_by_key(|service| service.number));
        for Service { number, name, group, .. } in TABLE {
            assert!((1..=65535).contains(number), "{name}");
            assert!(name.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
            assert!(group.chars().all(|c| c.is_ascii_lowercase()), "{group}");
        }
    }

    #[test]
    fn services_are_found_by_their_number() {
        let names = |number| services(number).iter().map(|service| service.name).collect::<Vec<_>>();
        assert_eq!(names(5432), ["postgresql"]);
        assert_eq!(names(8443), ["unifiWeb", "incus", "lxd"]);
        assert_eq!(names(1), [""; 0]);
        assert_eq!(services(22)[0].certainty, Certainty::Always);
        assert_eq!(services(3000)[0].certainty, Certainty::Named);
    }
}
