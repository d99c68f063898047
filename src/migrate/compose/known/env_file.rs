//! Variables in an `env_file` that become no option of a service.

use std::collections::BTreeMap;

use super::Instance;
use crate::finding::RelPath;
use crate::migrate::compose::yaml::Place;
use crate::migrate::report::and;

/// A variable that the image reads.
pub struct Lost {
    name: String,
    place: Place,
    is_secret: bool,
}

/// The ends of the names of variables for clients of a server, which the server's image does not read.
const OF_CLIENTS: [&str; 9] = ["DSN", "HOST", "HOSTNAME", "HOSTS", "PORT", "SERVER", "SERVICE", "URI", "URL"];

impl Instance<'_, '_, '_> {
    /// Whether a variable without an option is in an `env_file`. It is reported if the image reads it. Several services
    /// often share the file, and then most of its variables are for others.
    pub(super) fn is_of_env_file(&mut self, name: &str, place: &Place, is_secret: bool) -> bool {
        let Some(users) = self.builder.stack.model.env_files.get(&place.path) else { return false };
        if *users <= 1 && self.is_of_image(name) {
            self.lost.push(Lost { name: name.to_owned(), place: place.clone(), is_secret });
        }
        true
    }

    /// Whether a variable begins with the name of the image or of the service, like the image's other variables.
    fn is_of_image(&self, name: &str) -> bool {
        let Some((start, end)) = name.split_once(['_', '.']) else { return false };
        let start = start.to_ascii_lowercase();
        let image = self.service.image_name().unwrap_or_default();
        let words = image.split('-').chain(self.known.option.split('-'));
        let mut words = words.filter(|word| word.len() > 3);
        let is_name = words.any(|word| word.starts_with(&start) || start.starts_with(word));
        let has_start =
            |known: &str| known.split_once('_').is_some_and(|(known, _)| known.eq_ignore_ascii_case(&start));
        let is_known = self.known.variables.iter().any(|option| has_start(option.name));
        (start.len() > 3 && is_name || is_known) && !OF_CLIENTS.contains(&end)
    }

    /// Reports the variables in `env_file`s that become no option, those of each file together.
    pub(super) fn lost_variables(&mut self) {
        let mut found: BTreeMap<(RelPath, bool), (Place, Vec<String>)> = BTreeMap::new();
        for lost in self.lost.drain(..) {
            let entry = found.entry((lost.place.path.clone(), lost.is_secret));
            entry.or_insert_with(|| (lost.place, Vec::new())).1.push(lost.name);
        }
        for ((_, is_secret), (place, names)) in found {
            let it = if names.len() == 1 { "it" } else { "them" };
            let (why, todo) = match is_secret {
                true => (
                    format!("an option would put {} into the world-readable store", and(&names)),
                    format!("set {it} at run time"),
                ),
                false => (
                    format!("services-flake's {} has no option for {}", self.known.option, and(&names)),
                    format!("set {it} in the service's own settings if needed"),
                ),
            };
            self.leave(&place, "env_file", why, todo);
        }
    }
}
