//! Numbers that are ports because of the name before them: flags, variables, keys, directives, calls.

use core::ops::Range;

use super::host::{classify, is_domain};
use super::near::{Near, Tie};
use super::words::{is_listen_key, is_name_byte, is_plural, is_port_flag, is_port_word};
use super::{Flavour, Form, Found, HOLE, Host, LITERAL, View};
use crate::knowledge::port_words::BUS_CONNECTORS;

impl<'a> View<'a> {
    /// Reads `--port 80`, `PORT=80`, `port: 80`, `listen 80;`, `dport 80`, `${PORT:-80}`.
    pub(super) fn named(&self, digits: &Range<usize>) -> Option<Found<'a>> {
        if let Some(found) = self.tunnel(digits) {
            return Some(found);
        }
        if !self.value_ends(digits.end) {
            return None;
        }
        let tagged = digits.start.checked_sub(LITERAL.len()).filter(|start| self.str(*start..digits.start) == LITERAL);
        if let Some(start) = tagged {
            return self.near_sink(start, digits);
        }
        let Some(start) = self.fallback_start(digits.start) else {
            return self
                .glued_flag(digits)
                .or_else(|| self.script_fallback(digits.start))
                .or_else(|| self.near_sink(digits.start, digits));
        };
        let name = self.str(self.variable_at(start));
        if is_port_word(name) {
            return Some(Found::new(Form::EnvFallback, Host::None, Some(name)));
        }
        let found = self.near_sink(start, digits)?;
        Some(Found::new(Form::EnvFallback, found.host, found.name))
    }

    /// Reads JavaScript's `process.env.PORT || 3000` and `process.env.PORT ?? 3000`, and Ruby's `ENV["PORT"] || 3000`.
    fn script_fallback(&self, digits: usize) -> Option<Found<'a>> {
        let operator = self.run_start(digits, |byte| matches!(byte, b' ' | b'"' | b'\'' | b'`')).checked_sub(2)?;
        if !matches!(self.str(operator..operator + 2), "||" | "??") {
            return None;
        }
        let end = self.run_start(operator, |byte| matches!(byte, b' ' | b']' | b'"' | b'\'' | b'\\' | b')'));
        let start = self.run_start(end, is_name_byte);
        let (variables, name) = match self.str(start..end).rsplit_once('.') {
            Some(path) => path,
            None => {
                let open = self.run_start(start, |byte| matches!(byte, b'"' | b'\'' | b'\\' | b'['));
                (self.str(self.run_start(open, is_name_byte)..open), self.str(start..end))
            }
        };
        let is_environment = matches!(variables.rsplit('.').next(), Some("env" | "ENV" | "environ"));
        let is_port = is_port_word(name) && !name.bytes().any(|byte| byte.is_ascii_lowercase());
        (is_environment && is_port).then_some(Found::new(Form::EnvFallback, Host::None, Some(name)))
    }

    /// Reads a number if the whole text is a number or a list of numbers, and the path requires a port.
    pub(super) fn whole(&self, digits: &Range<usize>) -> Option<Found<'a>> {
        let before = self.before(digits.start);
        let negative = before == b'-' && !self.before(digits.start - 1).is_ascii_digit();
        let glued = before == HOLE || self.at(digits.end) == HOLE;
        let opens_tunnel = self.tunnels && digits.start == 0 && matches!(self.at(digits.end), b' ' | b'\t');
        let sound = self.only_numbers || opens_tunnel || self.follows_protocols(digits.start);
        (sound && !negative && !glued).then_some(Found::new(Form::Whole, Host::None, None))
    }

    /// Whether only protocols precede a number: systemd's `SocketBindAllow = "ipv4:udp:10000-20000"`.
    fn follows_protocols(&self, digits: usize) -> bool {
        let before = self.str(0..digits).trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
        self.wants_port
            && before
                .strip_suffix(':')
                .is_some_and(|before| before.split(':').all(|word| matches!(word, "tcp" | "udp" | "ipv4" | "ipv6")))
    }

    /// Whether the text after a number permits it to be a whole value.
    pub(super) fn value_ends(&self, end: usize) -> bool {
        let next = self.at(end + 1);
        match self.at(end) {
            0 | b' ' | b'\t' | b'\n' | b'\r' => true,
            b'"' | b'\'' | b'`' | b',' | b';' | b')' | b']' | b'}' | b'<' | b'|' | b'&' | b'#' | b'\\' => true,
            b'.' => !next.is_ascii_alphanumeric(),
            b'-' | b':' => next.is_ascii_digit(),
            b'/' => self.protocol_at(end).is_some(),
            _ => false,
        }
    }

    /// The variable in the `${NAME` at `start`.
    fn variable_at(&self, start: usize) -> Range<usize> {
        let start = self.run_end(start, |byte| matches!(byte, b'$' | b'{'));
        start..self.run_end(start, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }

    /// Reads a flag with an attached value: `-p8080`, `-P23`.
    fn glued_flag(&self, digits: &Range<usize>) -> Option<Found<'a>> {
        let start = self.run_start(digits.start, is_name_byte);
        let flag = self.str(start..digits.start);
        let short = flag.len() == 2 && flag.starts_with('-');
        (short && self.program_takes(start, flag)).then(|| self.flag(flag, start, digits))
    }

    fn near_sink(&self, start: usize, digits: &Range<usize>) -> Option<Found<'a>> {
        let pair = self.socket_address(start).or_else(|| self.server_address(start));
        if let Some(found) = pair.or_else(|| self.later_argument(start, digits)) {
            return Some(found);
        }
        let Some(near) = self.near(start) else {
            return self.in_port_set(start);
        };
        match near.tie {
            Tie::Equals | Tie::SpacedEquals | Tie::Colon => self.assigned(&near, digits),
            Tie::Space => self.spaced(&near, digits),
            Tie::Call => self.called(&near, digits),
            Tie::Tag => self.key(&near, digits),
            Tie::Comma => self.after_comma(&near, digits),
            Tie::Compared => self.match_directive(&near),
        }
    }

    /// Reads `NAME=VALUE`, `NAME: VALUE`.
    fn assigned(&self, near: &Near, digits: &Range<usize>) -> Option<Found<'a>> {
        let word = self.str(near.word.clone());
        if self.is_subscript(near, digits) || self.is_on_bus(near.word.start, digits) {
            return None;
        }
        if is_port_flag(word) {
            return Some(self.flag(word, near.word.start, digits));
        }
        if self.is_serving_flag(word, near.word.start, digits) {
            return Some(Found::new(Form::Flag, Host::None, Some(word)));
        }
        if word.trim_start_matches('-') == "listen" && is_unmistakable(self.str(digits.clone())) {
            let form = if word.starts_with('-') { Form::Flag } else { Form::Key };
            return Some(Found::new(form, Host::None, Some(word)));
        }
        if word == "elements" && self.is_port_type(near.word.start) {
            return Some(Found::new(Form::Directive, Host::None, Some(word)));
        }
        // stunnel's `accept = 993`
        let accepts = word == "accept" && near.tie != Tie::Colon && self.flavour == Flavour::Config;
        if accepts && self.starts_statement(near.word.start) && is_unmistakable(self.str(digits.clone())) {
            return Some(Found::new(Form::Key, Host::None, Some(word)));
        }
        // `PORT=$((8000 + RANDOM % 1000))` is random, and reported as such.
        if near.bracket == b'(' && self.is_drawn(digits.end) {
            return None;
        }
        // `[ "$PORT" = 80 ]` compares.
        let compares =
            near.tie == Tie::SpacedEquals && self.before(near.word.start) == b'$' && self.flavour == Flavour::Script;
        if compares || self.at(near.word.start) == b'-' && near.tie == Tie::Colon {
            return None;
        }
        self.key(near, digits)
    }

    /// Whether the name is a variable that selects an element: `seen[$port]=1`, `seen[port]=1`. Without the dollar sign
    /// it may also be a key, `config[port]=8080`, in which case the number decides.
    fn is_subscript(&self, near: &Near, digits: &Range<usize>) -> bool {
        let Range { start, end } = near.word;
        if !matches!(self.at(end + usize::from(matches!(self.at(end), b'"' | b'\''))), b']') {
            return false;
        }
        match self.before(start) {
            b'$' => true,
            b'[' => is_name_byte(self.before(start - 1)) && !is_unmistakable(self.str(digits.clone())),
            _ => false,
        }
    }

    /// Whether a number identifies a connector on a virtual machine's bus: QEMU's `usb-host,hostbus=1,hostport=4`,
    /// libvirt's `<address type='usb' bus='0' port='1'/>` and `<master startport='2'/>`.
    fn is_on_bus(&self, word: usize, digits: &Range<usize>) -> bool {
        if !self.str(digits.clone()).parse().is_ok_and(|number: u32| number <= BUS_CONNECTORS) {
            return false;
        }
        let tag = self.run_start(word, |byte| !matches!(byte, b'<' | b'>' | b'\n'));
        if self.before(tag) == b'<' {
            let element = self.str(tag..word);
            let bus = element.split_once(" bus=").map(|(_, bus)| bus.trim_start_matches(['"', '\'']));
            return element.starts_with("master ") || bus.is_some_and(is_bus);
        }
        let device =
            self.str(self.run_start(word, |byte| is_name_byte(byte) || matches!(byte, b',' | b'=' | b':'))..word);
        let mut parts = device.split(',').filter_map(|part| part.split_once('='));
        parts.any(|(name, bus)| matches!(name, "bus" | "hostbus") && is_bus(bus))
    }

    /// Reads the value of a key or variable whose name indicates a port.
    fn key(&self, near: &Near, digits: &Range<usize>) -> Option<Found<'a>> {
        let word = self.str(near.word.clone());
        // `fixed_ports = 1` is a boolean.
        let is_switch = self.str(digits.clone()) == "1" && is_plural(word);
        if is_switch || !is_port_word(word) && !is_listen_key(word) {
            return None;
        }
        let shouted = !word.bytes().any(|byte| byte.is_ascii_lowercase());
        let env = near.tie == Tie::Equals && (shouted || self.flavour != Flavour::Config);
        let form = if env { Form::Env } else { Form::Key };
        Some(Found::new(form, self.section_host(near.word.clone(), digits.end), Some(word)))
    }

    /// Reads `--port 80`, `-p 80`, `listen 80`, `dport 80`, `Port 22`, `nc -l 80`.
    fn spaced(&self, near: &Near, digits: &Range<usize>) -> Option<Found<'a>> {
        let word = self.str(near.word.clone());
        if word.starts_with('-') {
            return self.spaced_flag(word, near.word.start, digits).or_else(|| self.probed(near, word));
        }
        if let Some(found) = self.match_directive(near) {
            return Some(found);
        }
        let host = match word {
            // mosquitto's `listener 1883`
            "listener" if self.starts_statement(near.word.start) && is_unmistakable(self.str(digits.clone())) => {
                Host::None
            }
            "port" if self.follows_address(near.word.start) => Host::None,
            "LocalForward" | "RemoteForward" | "DynamicForward" if self.starts_statement(near.word.start) => Host::None,
            "listen" if self.starts_statement(near.word.start) => Host::None,
            "serve" | "funnel" if self.runs(near.word.start, &["tailscale"]) => Host::None,
            "http.server" | "SimpleHTTPServer" => Host::None,
            // A label for Caddy: `{{upstreams 3000}}`.
            "upstreams" if self.before(near.word.start) == b'{' => Host::None,
            "allow" | "deny" | "limit" | "reject" if self.runs(near.word.start, &["ufw"]) => Host::None,
            "port" if self.runs(near.word.start, &["ufw", "listen-on", "listen-on-v6"]) => Host::None,
            // HAProxy's `server web 10.0.0.2:80 check port 8080` and `http-check connect port 8080`.
            "port" if self.is_health_check(near.word.start) => Host::None,
            "http" if self.runs(near.word.start, &["ngrok"]) => Host::None,
            _ if is_port_word(word) && self.is_wrapped(near.word.start) => Host::None,
            _ if is_port_word(word) && (is_long_name(word) || self.is_port_statement(near, digits)) => {
                self.section_host(near.word.clone(), digits.end)
            }
            _ if self.follows_http_server(digits.start) => Host::None,
            _ => return self.connected(near, digits).or_else(|| self.probed(near, word)),
        };
        Some(Found::new(Form::Directive, host, Some(word)))
    }

    /// Whether `port` specifies the port that HAProxy connects to when it checks a server.
    fn is_health_check(&self, word: usize) -> bool {
        let Some(before) = self.near(word).filter(|before| before.tie == Tie::Space) else { return false };
        match self.str(before.word) {
            "check" => self.runs(word, &["server", "default-server"]),
            "connect" => self.runs(word, &["http-check", "tcp-check"]),
            _ => false,
        }
    }

    /// Whether a number is the port of Python's `http.server`, after flags with values: `python3 -m http.server --bind
    /// 127.0.0.1 8000`.
    fn follows_http_server(&self, at: usize) -> bool {
        let window = self.text.get(at.saturating_sub(super::WINDOW)..at).unwrap_or_default();
        let Some((_, behind)) = window.rsplit_once("http.server ").filter(|(_, behind)| !behind.contains('\n')) else {
            return false;
        };
        let mut words = behind.split([' ', '"', '\'']).filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            let has_value = matches!(word, "-b" | "--bind" | "-d" | "--directory" | "-p" | "--protocol");
            if !word.starts_with('-') || has_value && words.next().is_none() {
                return false;
            }
        }
        true
    }

    /// Reads a statement of a host and a port: keepalived's `virtual_server 10.0.0.1 80`, OpenVPN's `remote
    /// vpn.example.org 1194`, proxychains' `socks5 127.0.0.1 9050`.
    fn connected(&self, near: &Near, digits: &Range<usize>) -> Option<Found<'a>> {
        let host = classify(self.str(near.word.clone()))?;
        let keyword = self.near(near.word.start).filter(|before| before.tie == Tie::Space)?;
        let word = self.str(keyword.word.clone());
        let is_statement =
            matches!(word, "virtual_server" | "real_server" | "remote" | "management" | "socks4" | "socks5");
        let sound = is_statement && self.flavour == Flavour::Config && self.starts_statement(keyword.word.start);
        let is_apart =
            sound && self.before(near.word.start).is_ascii_whitespace() && is_unmistakable(self.str(digits.clone()));
        is_apart.then_some(Found::new(Form::Directive, host, Some(word)))
    }

    fn spaced_flag(&self, word: &'a str, start: usize, digits: &Range<usize>) -> Option<Found<'a>> {
        let listens = matches!(word, "--listen" | "-listen") && is_unmistakable(self.str(digits.clone()));
        let port = is_port_flag(word)
            || listens
            || self.is_serving_flag(word, start, digits)
            || word == "-D" && self.is_ssh(start)
            || self.program_takes(start, word);
        port.then(|| self.flag(word, start, digits))
    }

    /// Whether a flag gives the port on which a program serves: `--https=8443`, `--http 80`, tailscale's `--tcp=22`.
    fn is_serving_flag(&self, word: &str, start: usize, digits: &Range<usize>) -> bool {
        match word {
            "--https" | "--http" => is_unmistakable(self.str(digits.clone())),
            // `tailscale serve --bg 3000`
            "--bg" => self.runs(start, &["tailscale"]) && is_unmistakable(self.str(digits.clone())),
            "--tcp" | "--tls-terminated-tcp" => self.runs(start, &["tailscale", "serve", "funnel"]),
            _ => false,
        }
    }

    /// Whether an address precedes a word: BIND's `inet 127.0.0.1 port 953`, BIRD's `neighbor ::1 port 179`.
    fn follows_address(&self, word: usize) -> bool {
        let end = self.run_start(word, |byte| byte == b' ');
        let start = self.run_start(end, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'*'));
        let address = self.str(start..end);
        let is_address = address == "*" || super::host::ipv4(address).is_some() || super::host::is_ipv6(address);
        end < word && is_address && self.before(start).is_ascii_whitespace()
    }

    /// Reads a socket address in a script: `("::", 8080)`, `("", 8080)`.
    fn socket_address(&self, start: usize) -> Option<Found<'a>> {
        let comma = self.run_start(start, |byte| byte == b' ').checked_sub(1).filter(|at| self.at(*at) == b',')?;
        let end = self.run_start(comma, |byte| byte == b' ');
        let quote = end.checked_sub(1).filter(|at| matches!(self.at(*at), b'"' | b'\''))?;
        let inner_end = quote - usize::from(self.before(quote) == b'\\');
        let inner = self.run_start(inner_end, |byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.' | b'*'));
        let open = inner.checked_sub(1).filter(|at| self.at(*at) == self.at(quote))?;
        let open = open - usize::from(self.before(open) == b'\\');
        let address = self.str(inner..inner_end);
        let is_address = matches!(address, "" | "*") || address.contains("::") || super::host::ipv4(address).is_some();
        // `f("", 80)` takes any number; only a separate pair is an address.
        let is_pair =
            self.before(open) == b'(' && (address.contains([':', '.']) || !is_name_byte(self.before(open - 1)));
        (is_address && is_pair).then(|| Found::new(Form::HostPort, classify(address).unwrap_or(Host::Any), None))
    }

    /// Reads an SQL Server address: `Server=localhost,1433;`, `Server=tcp:db,1433`.
    fn server_address(&self, start: usize) -> Option<Found<'a>> {
        let comma = start.checked_sub(1).filter(|at| self.at(*at) == b',')?;
        let from = self.run_start(comma, |byte| is_name_byte(byte) || byte == b':');
        let (word, equals) = (self.str(from..comma), from.checked_sub(1).filter(|at| self.at(*at) == b'=')?);
        let key = self.str(self.run_start(equals, |byte| is_name_byte(byte) || byte == b' ')..equals);
        let named = ["server", "data source", "addr"].iter().any(|name| key.trim().eq_ignore_ascii_case(name));
        let host = classify(word.strip_prefix("tcp:").unwrap_or(word)).filter(|_| named)?;
        Some(Found::new(Form::HostPort, host, Some(key)))
    }

    /// Reads the first number in the arguments of a function with the word port in its name: `serv_port_up("web",
    /// 8080)`.
    fn later_argument(&self, start: usize, digits: &Range<usize>) -> Option<Found<'a>> {
        let comma = self.run_start(start, |byte| byte == b' ').checked_sub(1).filter(|at| self.at(*at) == b',')?;
        let floor = comma.saturating_sub(super::WINDOW);
        let open = self.run_start(comma, |byte| !matches!(byte, b'(' | b')' | b'\n' | b'[' | b'{' | b'=' | b';'));
        let call = open.checked_sub(1).filter(|at| *at > floor && self.at(*at) == b'(')?;
        let name = self.str(self.run_start(call, is_name_byte)..call);
        let is_other = |argument: &str| {
            let argument = argument.trim_matches([' ', '"', '\'', '\\']);
            let is_number = argument.bytes().all(|byte| byte.is_ascii_digit());
            !is_number && !argument.contains(char::from(HOLE)) && !is_port_word(argument)
        };
        // A virtual machine's `forward_port(2222, 22)` takes two ports.
        let first = self.str(open..comma);
        let is_second = || name.ends_with("forward_port") && !first.contains(',');
        let sound = is_port_word(name)
            && is_unmistakable(self.str(digits.clone()))
            && (first.split(',').all(is_other) || is_second());
        sound.then_some(Found::new(Form::Directive, Host::None, Some(name)))
    }

    /// Reads `ssh -L 8080:db:5432`, `-R 127.0.0.1:8080:db:5432`. The first port belongs to this machine or the remote
    /// one, the last one to the host before it.
    fn tunnel(&self, digits: &Range<usize>) -> Option<Found<'a>> {
        let accept = |byte: u8| is_name_byte(byte) || matches!(byte, b':' | b'*' | b'[' | b']' | b'$' | b'{' | b'}');
        let start = self.run_start(digits.start, accept);
        let near = self.near(start).filter(|near| near.tie == Tie::Space)?;
        let word = self.str(near.word.clone());
        if !matches!(word, "-L" | "-R") {
            return None;
        }
        let parts: Vec<&str> = self.str(start..self.run_end(digits.end, accept)).split(':').collect();
        // `date -R 10:20:30` is a time: the part before the last port must be a possible host.
        let is_forward = match parts.as_slice() {
            [_, host, port] | [_, _, host, port] => {
                !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && classify(host).is_some()
            }
            _ => false,
        };
        let sound = is_forward || self.is_ssh(near.word.start);
        let host = match (self.at(digits.end), parts.as_slice()) {
            (b':', _) => Host::None,
            (_, [_, .., host, _]) if self.before(digits.start) == b':' => classify(host)?,
            _ => return None,
        };
        sound.then_some(Found::new(Form::Flag, host, Some(word)))
    }

    fn is_ssh(&self, at: usize) -> bool {
        self.about_ssh || self.runs(at, &["ssh", "autossh"])
    }

    fn flag(&self, word: &'a str, start: usize, digits: &Range<usize>) -> Found<'a> {
        // The addresses of a packet filter specify where packets go; they are not the host of the port.
        let filter = matches!(word, "--dport" | "--dports" | "--sport" | "--sports" | "--to-port" | "--to-ports");
        let host = if filter { Host::None } else { self.command_host(start, digits.end) };
        Found::new(Form::Flag, host, Some(word))
    }

    /// Reads nftables and iptables rules: `dport 80`, `--dports 80,443`, `sport != 22`.
    fn match_directive(&self, near: &Near) -> Option<Found<'a>> {
        let mut word = self.str(near.word.clone());
        // `tcp dport vmap { 22 : accept }`
        if matches!(word, "vmap" | "map") && near.bracket == b'{' {
            word = self.near(near.word.start).map_or(word, |before| self.str(before.word));
        }
        let name = word.trim_start_matches('-');
        matches!(name, "dport" | "sport" | "dports" | "sports").then_some(Found::new(
            Form::Directive,
            Host::None,
            Some(word),
        ))
    }

    /// Reads `wait_for_open_port(80)`, `app.listen(3000)`, ferm's `dport(443)`.
    fn called(&self, near: &Near, digits: &Range<usize>) -> Option<Found<'a>> {
        let word = self.str(near.word.clone());
        // A socket's `listen(5)` is its backlog.
        let listens = word.ends_with(".listen") && is_unmistakable(self.str(digits.clone()));
        let port = is_port_word(word) || listens;
        port.then_some(Found::new(Form::Directive, Host::None, Some(word)))
    }

    /// Reads `connect(("localhost", 80))`, `getenv("PORT", "3000")`.
    fn after_comma(&self, near: &Near, digits: &Range<usize>) -> Option<Found<'a>> {
        let word = self.str(near.word.clone());
        let quote = near.word.start.checked_sub(1)?;
        if !matches!(self.before(quote), b'(' | b'[') {
            // `start_server(handle, "0.0.0.0", 8080)`
            let before = self.before(self.run_start(quote, |byte| byte == b' '));
            let is_address = word == "localhost" || super::host::ipv4(word).is_some() || super::host::is_ipv6(word);
            let host = classify(word).filter(|host| matches!(host, Host::Local | Host::Any))?;
            let sound = before == b',' && is_address && is_unmistakable(self.str(digits.clone()));
            return sound.then_some(Found::new(Form::HostPort, host, None));
        }
        if is_port_word(word) && word.bytes().all(|byte| !byte.is_ascii_lowercase()) {
            return Some(Found::new(Form::EnvFallback, Host::None, Some(word)));
        }
        match classify(word)? {
            host @ (Host::Local | Host::Any) => Some(Found::new(Form::HostPort, host, None)),
            _ => None,
        }
    }

    /// Reads `nc -l 80`, `nc -z db 5432`, `telnet localhost 25`.
    fn probed(&self, near: &Near, word: &'a str) -> Option<Found<'a>> {
        if !self.runs(near.word.start, &["nc", "ncat", "netcat", "telnet", "wayvnc"]) {
            return None;
        }
        let host = if word.starts_with('-') {
            let listens = !word.starts_with("--") && word.contains('l');
            listens.then_some(Host::None)?
        } else if let Some(address) = self.ipv6_before(near.word.end) {
            classify(address)?
        } else {
            classify(word)?
        };
        Some(Found::new(Form::Directive, host, Some(word)).unnamed_unless_flag())
    }

    /// The IPv6 address that ends at `end`: `nc -z ::1 80`.
    fn ipv6_before(&self, end: usize) -> Option<&'a str> {
        let start = self.run_start(end, |byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
        let address = self.str(start..end);
        (super::host::is_ipv6(address) && self.before(start).is_ascii_whitespace()).then_some(address)
    }

    /// Whether a word and a number are a statement: ssh_config's `Port 22`, redis' `port 6379`, tor's `ORPort 9001`.
    /// The word starts a statement, and the line is not prose.
    fn is_port_statement(&self, near: &Near, digits: &Range<usize>) -> bool {
        let word = self.str(near.word.clone());
        let starts = self.flavour != Flavour::Script && self.starts_statement(near.word.start);
        // mpd quotes the number: `port "8000"`.
        let quote = usize::from(self.at(digits.end) == b'"' && self.before(digits.start) == b'"');
        let blank = self.run_end(digits.end + quote, |byte| matches!(byte, b' ' | b'\t' | b'\r'));
        let ends = matches!(self.at(blank), 0 | b'\n' | b';' | b'#' | b'{' | b'}');
        let compound = word.len() > 5 && self.flavour == Flavour::Config;
        // In a plain value only ssh's `extraConfig = "Port 23"` is not prose.
        let prose = self.flavour == Flavour::Value && (word != "Port" || blank != self.bytes.len());
        starts && (ends || compound) && !prose
    }

    /// Whether a word is the variable in makeWrapper's `--set PORT 80` and `--set-default PORT 80`.
    fn is_wrapped(&self, word: usize) -> bool {
        let end = self.run_start(word, |byte| matches!(byte, b' ' | b'"' | b'\''));
        let start = self.run_start(end, is_name_byte);
        end < word && matches!(self.str(start..end), "--set" | "--set-default")
    }

    /// Whether only blanks precede the word in its statement.
    pub(super) fn starts_statement(&self, word: usize) -> bool {
        let blank = self.run_start(word, |byte| matches!(byte, b' ' | b'\t'));
        matches!(self.before(blank), 0 | b'\n' | b';' | b'{' | b'}')
    }

    /// Reads a number that is not the first element of a set: `tcp dport { ssh, 80 }`.
    fn in_port_set(&self, start: usize) -> Option<Found<'a>> {
        // The end of an IPv6 address.
        if self.before(start) == b':' {
            return None;
        }
        let open = self.set_start(start)?;
        let near = self.near(open)?;
        let word = self.str(near.word.clone());
        if word == "elements" && self.is_port_type(near.word.start) {
            return Some(Found::new(Form::Directive, Host::None, Some(word)));
        }
        self.match_directive(&near)
    }

    /// The position after the brace that opens the set around a number, skipping names, numbers, interpolations and
    /// comments.
    fn set_start(&self, number: usize) -> Option<usize> {
        let floor = number.saturating_sub(4 * super::WINDOW);
        let mut at = number;
        while at > floor {
            match self.bytes[at - 1] {
                b'{' => return Some(at),
                b'\n' => {
                    let line = self.run_start(at - 1, |byte| byte != b'\n');
                    let comment = self.bytes.get(line..at - 1)?.iter().position(|byte| *byte == b'#');
                    at = comment.map_or(at - 1, |comment| line + comment);
                }
                byte if byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() => at -= 1,
                b',' | b'-' | b'@' | b'_' | b'.' | b':' | HOLE => at -= 1,
                _ => return None,
            }
        }
        None
    }

    /// Whether a word is in an nftables set of ports: `set web { type inet_service; elements = { 80 } }`.
    fn is_port_type(&self, word: usize) -> bool {
        let before = self.run_start(word, |byte| byte != b'}' && byte != b'=');
        let declared = self.str(before..word);
        declared.contains("inet_service") || declared.contains("typeof tcp ") || declared.contains("typeof udp ")
    }
}

impl Found<'_> {
    /// Drops the name unless it is a flag, because otherwise it is the host before a bare port.
    fn unnamed_unless_flag(mut self) -> Self {
        self.name = self.name.filter(|name| name.starts_with('-'));
        self
    }
}

/// Whether a name does not occur in prose: `wait_for_port 8080`, `set ldapPort "389"`.
fn is_long_name(word: &str) -> bool {
    word.contains(['_', '-', '.'])
        || word
            .get(1..)
            .is_some_and(|rest| rest.contains(|c: char| c.is_ascii_uppercase()) && word != "PORT" && word != "PORTS")
}

/// Whether a number can only be a port: `listen = 8080` is one, while `listen = 10` may be a backlog.
fn is_unmistakable(digits: &str) -> bool {
    matches!(digits, "22" | "25" | "53" | "80" | "443") || digits.len() >= 4
}

/// Whether the word can be the host of a command.
pub(super) fn is_command_host(word: &str) -> bool {
    is_domain(word) || super::host::ipv4(word).is_some()
}

/// Whether a value is the number or the name of a virtual machine's bus: `0`, `usb.0`.
fn is_bus(value: &str) -> bool {
    let name = value.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',')).next().unwrap_or_default();
    let number = name.rsplit('.').next().unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}
