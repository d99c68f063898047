//! The names that YAML gives to a number: the names of the list elements around it and, in a Kubernetes manifest, the
//! name of the object.

use crate::wording;

/// The number of bytes that are read before a number.
const AROUND: usize = 16_000;

/// The names around a number.
#[derive(Debug, Default)]
pub struct Names<'a> {
    /// The value of the `name` next to the number.
    pub own: &'a str,
    /// The values of `name` in the mappings around it, the innermost first.
    pub outer: Vec<&'a str>,
    /// The name of the Kubernetes object. Empty in other files.
    pub object: &'a str,
    /// The service in a Compose file that is written as a string in Nix. Empty elsewhere.
    pub service: &'a str,
}

impl<'a> Names<'a> {
    /// Reads the names around a number in a YAML file.
    pub fn in_yaml(text: &'a str, start: usize, end: usize) -> Option<Self> {
        let (head, rest) = around(text, start, end)?;
        // Most Compose files have no names, and a search is much faster than reading the lines.
        if !head.contains("name:") && !rest.contains("name:") {
            return None;
        }
        Some(Self { service: "", ..Self::of(head, rest) })
    }

    /// Reads the service in a Compose file that is written as a string in Nix.
    pub fn in_string(text: &'a str, start: usize, end: usize) -> Option<Self> {
        let (head, rest) = around(text, start, end).filter(|(head, _)| head.contains("services:"))?;
        Some(Self { service: Self::of(head, rest).service, ..Self::default() })
    }

    fn of(head: &'a str, rest: &'a str) -> Self {
        // Searching forwards is much faster, and most files have one document.
        let last = if head.contains("\n---") { head.rfind("\n---") } else { None };
        let document = last.map_or(head, |at| &head[at + 1..]);
        let (before, line) = document.rsplit_once('\n').unwrap_or(("", document));
        let mut names = Self { object: object(document), ..Self::default() };
        let own = Line::of(line);
        let above = before.lines().rev();
        match line.rfind('{') {
            // `- { name: http, containerPort: 80 }`
            Some(open) => {
                let after = rest.split(['}', '\n']).next().unwrap_or("");
                let inside = line[open + 1..].split(',').chain(after.split(','));
                names.own = inside.filter_map(name).next().unwrap_or("");
                names.climb(above, own.dash.unwrap_or(own.content), None);
            }
            None => {
                let below = rest.lines().skip(1).map(Line::of);
                let below = below.take_while(|line| line.content >= own.content && line.dash.is_none());
                let beside = below.filter(|line| line.content == own.content).find_map(|line| name(line.text));
                let column = own.content;
                names.climb(std::iter::once(line).chain(above), column, Some(beside.unwrap_or("")));
            }
        }
        names
    }

    /// Reads upwards from a number through the mappings that enclose it. Each is indented less than the one inside it.
    /// `own` is the name below the number in its own block mapping, empty if there is none. It is `None` if the number
    /// is in a flow mapping, which is read separately.
    fn climb(&mut self, lines: impl Iterator<Item = &'a str>, mut column: usize, own: Option<&'a str>) {
        let (mut is_own, mut found, mut inner) = (own.is_some(), own.unwrap_or(""), "");
        for line in lines {
            // Most lines are indented more deeply and need not be read.
            if line.bytes().take_while(|byte| *byte == b' ').count() > column {
                continue;
            }
            let line = Line::of(line);
            if line.text.is_empty() || line.content > column {
                continue;
            }
            if line.content < column {
                self.push(&mut is_own, std::mem::take(&mut found));
                column = line.content;
                let key = line.text.split(" #").next().and_then(|text| text.trim_end().strip_suffix(':')).unwrap_or("");
                if key == "services" && self.service.is_empty() {
                    self.service = inner;
                }
                inner = key;
            }
            found = name(line.text).unwrap_or(found);
            if let Some(dash) = line.dash {
                self.push(&mut is_own, std::mem::take(&mut found));
                column = dash;
            }
        }
        self.push(&mut is_own, found);
    }

    /// Adds the name of a mapping after its first line has been read, because lines are read upwards.
    fn push(&mut self, is_own: &mut bool, name: &'a str) {
        match (std::mem::take(is_own), name) {
            (_, "") => {}
            (true, name) => self.own = name,
            (false, name) => self.outer.push(name),
        }
    }
}

/// The app whose port a network policy refers to: the one whose pods the policy selects, or the one that an egress rule
/// lets them connect to.
///
/// The second value is whether the app listens on the port. It is false if an egress rule does not show which app the
/// pods connect to. The app is then the one that the policy selects.
pub fn policed(text: &str, start: usize, is_egress: bool) -> Option<(&str, bool)> {
    let head = wording::tail(text.get(..start)?, AROUND);
    let document = head.rfind("\n---").map_or(head, |at| &head[at + 1..]);
    let own = || label(document.split_once("podSelector:").or_else(|| document.split_once("endpointSelector:"))?.1);
    if !is_egress {
        return own().map(|app| (app, true));
    }
    let rule = document.split_once("egress:").map_or("", |(_, rules)| rules);
    let to = rule.rfind("to:").or_else(|| rule.rfind("toEndpoints:")).map_or("", |at| &rule[at..]);
    let peer = to.split_once("podSelector:").or_else(|| to.split_once("toEndpoints:"));
    let peer = peer.and_then(|(_, selector)| label(selector)).map(|app| (app, true));
    peer.or_else(|| Some((own()?, false)))
}

/// The label that names the app in a selector.
fn label(selector: &str) -> Option<&str> {
    const KEYS: [&str; 4] = ["app.kubernetes.io/name", "app", "k8s-app", "app.kubernetes.io/instance"];
    const MOST: usize = 5;
    let is_inside = |line: &&str| !line.starts_with("- ") && !["ports:", "ingress:", "egress:"].contains(line);
    let labels = selector.lines().skip(1).take(MOST).map(str::trim).take_while(is_inside);
    let labels = labels.filter_map(|line| line.split_once(':'));
    let mut labels = labels.map(|(key, value)| (key.trim_matches(['"', '\'']), value.trim().trim_matches(['"', '\''])));
    labels.find(|(key, value)| KEYS.contains(key) && !value.is_empty() && !value.contains(['{', '$'])).map(|(_, v)| v)
}

/// The text before and after a number.
fn around(text: &str, start: usize, end: usize) -> Option<(&str, &str)> {
    Some((wording::tail(text.get(..start)?, AROUND), wording::head(text.get(end..)?, AROUND)))
}

/// The name of the object in a document of a manifest.
fn object(document: &str) -> &str {
    let is_manifest = document.starts_with("kind:") || document.contains("\nkind:");
    if !is_manifest {
        return "";
    }
    let Some((_, metadata)) = document.split_once("\nmetadata:") else { return "" };
    let block = metadata.lines().enumerate().take_while(|(at, line)| *at == 0 || line.starts_with([' ', '#']));
    block.flat_map(|(_, line)| line.split(['{', ',', '}'])).find_map(name).unwrap_or("")
}

/// The value of `name: VALUE`.
fn name(text: &str) -> Option<&str> {
    let value = text.trim().strip_prefix("name:")?.split(" #").next()?.trim().trim_matches(['"', '\'']);
    (!value.is_empty() && !value.contains([' ', '{', '$'])).then_some(value)
}

/// A YAML line.
struct Line<'a> {
    /// The column of the dash before a list element.
    dash: Option<usize>,
    /// The column of the first key.
    content: usize,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let text = line.trim_start();
        let column = line.len() - text.len();
        if text.starts_with('#') {
            return Self { dash: None, content: column, text: "" };
        }
        match text.strip_prefix("- ") {
            Some(rest) => {
                let text = rest.trim_start();
                Self { dash: Some(column), content: line.len() - text.len(), text }
            }
            None => Self { dash: None, content: column, text },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  namespace: web
  name: shop
spec:
  template:
    spec:
      containers:
        - name: sidecar
          image: example
        - name: checkout
          image: example
          ports:
            - name: metrics
              containerPort: @9102
            - { name: admin, containerPort: @8001 }
            - containerPort: @8002
              name: api
          env:
            - name: CACHE_URL
              value: http://127.0.0.1:@6390
";

    #[test]
    fn names_around_a_number_are_read() {
        let positions: Vec<usize> = MANIFEST.match_indices('@').map(|(at, _)| at).collect();
        let text = MANIFEST.replace('@', " ");
        let names = |at: usize| {
            let at = positions[at] + 1;
            let names = Names::in_yaml(&text, at, at + 4).unwrap();
            (names.own.to_owned(), names.outer.join(" "), names.object.to_owned())
        };
        for (at, own) in ["metrics", "admin", "api", "CACHE_URL"].into_iter().enumerate() {
            assert_eq!(names(at), (own.to_owned(), "checkout".to_owned(), "shop".to_owned()), "{own}");
        }
    }

    #[test]
    fn a_compose_file_may_be_a_string_in_nix() {
        let text =
            "file = ''\n  services:\n    web:\n      image: x\n    db: # main\n      ports:\n        - 5433:5432\n'';";
        let at = text.find("5433").unwrap();
        assert_eq!(Names::in_string(text, at, at + 4).unwrap().service, "db");
    }

    #[test]
    fn an_object_may_be_written_on_one_line() {
        assert_eq!(object("kind: Service\nmetadata: { name: shop, namespace: web }\nspec:\n  x: 1\n"), "shop");
        assert_eq!(object("metadata:\n  name: shop\n"), "");
    }
}
