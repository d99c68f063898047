//! A name that a text suggests for a port, and its weight.

/// The weight of a name, by its source. A listener outweighs the clients that connect to it. The file name is the last
/// resort.
pub mod weight {
    /// A row of the table of well-known ports that applies whatever program listens.
    pub const ALWAYS: u32 = 200;
    /// A row of that table whose service the use names.
    pub const KNOWN: u32 = 150;
    /// An option of a service.
    pub const LISTENER: u32 = 100;
    /// A name that this file binds to the port, or a set named after the service.
    pub const BOUND: u32 = 80;
    /// A listener whose service only the file name identifies.
    pub const FILE_LISTENER: u32 = 72;
    /// A row of the table without further evidence.
    pub const USUAL: u32 = 70;
    /// The scrape job for the port.
    pub const JOB: u32 = 65;
    /// A comment next to the number.
    pub const COMMENT: u32 = 60;
    /// A comment that names the file's subject.
    pub const COMMENT_OF_SUBJECT: u32 = 61;
    /// A comment that states the purpose of a port of the file's service.
    pub const PURPOSE: u32 = 71;
    /// A client in a record whose kind, title or host names the service.
    pub const RECORD: u32 = 56;
    /// A client that names the service it connects to.
    pub const TARGET: u32 = 55;
    /// A client that names the service by the name of a variable.
    pub const VARIABLE: u32 = 54;
    /// A client that names the service by the name of a set.
    pub const OBJECT: u32 = 53;
    /// The file name, for a port in a firewall or behind a proxy.
    pub const FILE: u32 = 46;
    /// The first label of the host before the port.
    pub const HOST: u32 = 42;
    /// A client that names only itself.
    pub const CLIENT: u32 = 20;
}

/// A name and its weight.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Candidate {
    /// The words of the service's name.
    pub service: Vec<String>,
    /// Words that distinguish this port from the service's other ports.
    pub qualifier: Vec<String>,
    /// One of [`weight`].
    pub weight: u32,
}
