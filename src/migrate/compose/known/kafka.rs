//! Kafka: its listeners, and the variables that become its settings.

use super::Instance;
use crate::knowledge::containers::starts::OF_REDPANDA;
use crate::migrate::compose::stack::{self, Port};
use crate::migrate::compose::yaml::Place;
use crate::migrate::nix::Expr;
use crate::migrate::report::and;

impl Instance<'_, '_, '_> {
    /// Reports the ports of Kafka that the one listener of its service replaces, and those of other servers in its image.
    pub(super) fn kafka_ports(&self) {
        if self.known.option != "apache-kafka" {
            return;
        }
        let others = self.service.ports.iter().filter(|port| {
            port.container != stack::KAFKA_CONTROLLER
                && self.known.ports.iter().all(|option| option.container != port.usual)
        });
        let is_redpanda = self.service.image_name() == Some("redpanda");
        let (apis, listeners): (Vec<&Port>, Vec<&Port>) =
            others.partition(|port| is_redpanda && OF_REDPANDA.contains(&port.container));
        let numbers = |ports: &[&Port]| and(&ports.iter().map(|port| port.container.to_string()).collect::<Vec<_>>());
        if let Some(first) = listeners.first() {
            let why = "services-flake's apache-kafka has one listener for all clients";
            let todo = format!("use the broker's registry port wherever {} was used", numbers(&listeners));
            self.leave(&first.place, "ports", why, todo);
        }
        if let Some(first) = apis.first() {
            let why = format!("Apache Kafka does not have the HTTP interfaces of Redpanda on {}", numbers(&apis));
            self.leave(&first.place, "ports", why, "run Redpanda in Docker if a program uses them");
        }
    }

    /// Handles a variable of Kafka. Returns whether it did.
    pub(super) fn kafka_variable(&mut self, name: &str, text: &str, place: &Place, what: &str) -> bool {
        let key = name.trim_start_matches("KAFKA_").trim_start_matches("CFG_").to_ascii_lowercase().replace('_', ".");
        let shape = [
            "listener",
            "advertised",
            "process.roles",
            "node.id",
            "broker.id",
            "controller",
            "zookeeper",
            "inter.broker",
        ];
        if shape.iter().any(|word| key.contains(word)) || name == "KAFKA_ENABLE_KRAFT" {
            self.carry(place, what, "settings, as one broker and controller on this machine");
            return true;
        }
        if matches!(key.as_str(), "log.dirs" | "log.dir") {
            self.carry(place, what, "dataDir: ./data/<instance>");
            return true;
        }
        // Keys that only the image or its vendor's software reads.
        let is_of_image = ["log4j", "jmx.", "confluent.", "gc.log"].iter().any(|start| key.starts_with(start));
        if is_of_image
            || key.contains("heap.opts")
            || key.contains("jvm")
            || key == "opts"
            || text.contains("io.confluent")
        {
            return false;
        }
        if key == "create.topics" {
            let why = "services-flake's apache-kafka does not create topics";
            let todo = "create the topics with kafka-topics.sh in a process that depends on the broker";
            self.leave(place, what, why, todo);
            return true;
        }
        let copies = ["replication.factor", "min.isr", "min.insync.replicas"].iter().any(|end| key.ends_with(end));
        if copies && text.parse::<i64>().is_ok_and(|number| number > 1) {
            self.set_path(&["settings", &key], Expr::int(1));
            let why = format!("a cluster of one broker cannot have {text} replicas, so the value is 1");
            self.leave(place, what, why, "nothing, unless the program depends on the replicas");
            return true;
        }
        // With AclAuthorizer's successor, a broker without `super.users` may be unable to register with its controller.
        if key == "authorizer.class.name" && text.ends_with("AclAuthorizer") {
            let why = "AclAuthorizer requires ZooKeeper, so every client of this broker has full access";
            let todo = "set it to org.apache.kafka.metadata.authorizer.StandardAuthorizer, with `super.users`, if \
                        programs need the ACLs on this machine";
            self.leave(place, what, why, todo);
            return true;
        }
        let value = match (text.parse::<i64>(), text) {
            (Ok(number), _) => Expr::int(number),
            (_, "true" | "false") => Expr::Code(text.to_owned()),
            _ => Expr::text(text),
        };
        self.set_path(&["settings", &key], value);
        self.carry(place, what, &format!("settings.\"{key}\""));
        true
    }
}
