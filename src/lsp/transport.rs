//! Messages on standard input and output.
//!
//! The types are those of `lsp-server`. Reading is implemented here, because the reader of that crate stops at the
//! first message that is not valid JSON, and allocates as much memory as a header requests.

use std::io::{self, BufRead, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use lsp_server::{ErrorCode, Message};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::gate::{Gate, Permit};

/// The largest message that is read, in bytes: files over 32 MiB are not checked, and JSON escapes can double the size
/// of a file.
const MAX_MESSAGE: usize = 96 << 20;

/// The maximum length of a header line, in bytes.
const MAX_HEADER: u64 = 4 << 10;

/// The time that the server has to finish its work after the client has closed the connection.
const GRACE: Duration = Duration::from_secs(1);

/// The maximum amount of input that waits to be processed, in bytes. Beyond that, nothing is read.
const MAX_WAITING: usize = 32 << 20;

/// The maximum amount of output that waits to be written, in bytes. Beyond that, nothing is processed.
const MAX_UNWRITTEN: usize = 32 << 20;

/// The amount of waiting output above which findings are not published, in bytes. By the time the output is written,
/// newer findings may replace them.
const CONGESTED: usize = 1 << 20;

/// How often the server checks whether the client is still running.
const CLIENT_CHECK: Duration = Duration::from_secs(2);

/// Input from the client.
#[derive(Debug)]
pub enum Incoming {
    /// A message.
    Message(Message),
    /// An invalid message. Later messages can still be read.
    Malformed(Malformed),
    /// The end of the input: the client closed the connection, or sent something that does not follow the protocol.
    Closed,
    /// The connection was closed some time ago.
    Overdue,
}

/// An invalid message.
#[derive(Debug)]
pub struct Malformed {
    /// The id to repeat in the response; `null` if the message has no readable id.
    id: Value,
    /// The kind of error.
    code: ErrorCode,
    /// The description of the error.
    reason: String,
}

/// The id of a message, whatever the type of the id; the rest of the message is not read.
#[derive(Deserialize)]
struct Id {
    id: Option<Value>,
}

impl Malformed {
    /// Describes a message that could not be read.
    fn new(body: &[u8], error: &serde_json::Error) -> Self {
        let reason = error.to_string();
        match serde_json::from_slice::<Id>(body) {
            Ok(Id { id }) => Self { id: id.unwrap_or(Value::Null), code: ErrorCode::InvalidRequest, reason },
            Err(_) => Self { id: Value::Null, code: ErrorCode::ParseError, reason },
        }
    }

    /// Describes a request that was read as a notification because the protocol does not allow its id. `None` for a
    /// notification, which has no id.
    fn of_invalid_id(body: &[u8]) -> Option<Self> {
        let id = serde_json::from_slice::<Id>(body).ok()?.id?;
        let reason = format!("the id {id} is neither a 32-bit integer nor a string");
        Some(Self { id, code: ErrorCode::InvalidRequest, reason })
    }
}

/// Output to the client.
#[derive(Debug)]
pub enum Outgoing {
    /// A message.
    Message(Message),
    /// A notification whose parameters are serialized already.
    Serialized {
        /// The method.
        method: &'static str,
        /// The parameters.
        params: Box<RawValue>,
    },
    /// The response to an invalid message.
    Invalid(Malformed),
}

impl Outgoing {
    /// The body of the message.
    fn body(&self) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Body<T> {
            jsonrpc: &'static str,
            #[serde(flatten)]
            message: T,
        }
        let jsonrpc = "2.0";
        match self {
            Outgoing::Message(message) => serde_json::to_string(&Body { jsonrpc, message }),
            Outgoing::Serialized { method, params } => {
                #[derive(Serialize)]
                struct Notification<'a> {
                    jsonrpc: &'static str,
                    method: &'static str,
                    params: &'a RawValue,
                }
                serde_json::to_string(&Notification { jsonrpc, method, params })
            }
            Outgoing::Invalid(Malformed { id, code, reason }) => {
                let error = json!({ "code": *code as i32, "message": reason });
                Ok(json!({ "jsonrpc": jsonrpc, "id": id, "error": error }).to_string())
            }
        }
    }
}

/// The handle for sending messages to the thread that writes standard output.
pub struct Output {
    sender: Sender<(String, Permit)>,
    gate: Gate,
}

impl Output {
    /// Sends a message to the client. Blocks if the client is too slow to read earlier messages.
    pub fn send(&self, message: &Outgoing) {
        let Ok(body) = message.body() else { return };
        let permit = self.gate.enter(body.len());
        // If the writer has ended, the client is gone, and reading will end too.
        let _ = self.sender.send((body, permit));
    }

    /// Whether the client reads more slowly than the server writes.
    pub fn is_congested(&self) -> bool {
        self.gate.held() > CONGESTED
    }
}

fn write_body(body: &str, out: &mut impl Write) -> io::Result<()> {
    write!(out, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    out.flush()
}

/// Input, and the permit that it holds until it is processed.
pub type Received = (Incoming, Option<Permit>);

/// Starts the threads that read standard input and write standard output. The writer thread ends when the sender is
/// dropped and everything is written; join it before the process exits.
pub fn stdio() -> (Receiver<Received>, Output, thread::JoinHandle<()>) {
    let (send_in, receive_in) = channel();
    let (sender, receive_out) = channel::<(String, Permit)>();
    thread::spawn(move || {
        let gate = Gate::new(MAX_WAITING);
        read_all(&mut io::stdin().lock(), |incoming, size| send_in.send((incoming, Some(gate.enter(size)))).is_ok());
        // Usually the process has ended by then, but a check of a large repository must not keep it alive.
        thread::sleep(GRACE);
        // Messages that wait before a `shutdown` are skipped, so that at least this request is answered.
        if send_in.send((Incoming::Overdue, None)).is_ok() {
            thread::sleep(GRACE);
        }
        end();
    });
    let writer = thread::spawn(move || {
        let mut out = io::stdout().lock();
        for (body, _permit) in receive_out {
            // The client no longer reads the output.
            if write_body(&body, &mut out).is_err() {
                thread::sleep(GRACE);
                end();
            }
        }
        let _ = out.flush();
    });
    (receive_in, Output { sender, gate: Gate::new(MAX_UNWRITTEN) }, writer)
}

/// Ends the process, whatever its other threads are doing, because the client is gone.
#[expect(clippy::exit, reason = "a running check cannot be interrupted otherwise")]
fn end() -> ! {
    std::process::exit(1)
}

/// Ends the process soon after the client process has ended, because the client may not have closed the connection.
pub fn end_with(client: i32) {
    let Some(client) = rustix::process::Pid::from_raw(client) else { return };
    thread::spawn(move || {
        loop {
            // The response to `initialize` is sent before the first check.
            thread::sleep(CLIENT_CHECK);
            // Other errors mean that the process exists: for example, a process of another user cannot be signalled.
            if rustix::process::test_kill_process(client) == Err(rustix::io::Errno::SRCH) {
                end();
            }
        }
    });
}

/// Reads messages until the end of the input, or until `send` returns false. `send` gets each message with its size in
/// bytes.
pub fn read_all(input: &mut impl BufRead, mut send: impl FnMut(Incoming, usize) -> bool) {
    loop {
        let body = read_body(input);
        let size = body.as_ref().map_or(0, |body| body.as_ref().map_or(0, Vec::len));
        let incoming = match body {
            // The protocol has no batches, and an apparent id inside a batch is not the id of a request.
            Ok(Some(body)) if body.trim_ascii_start().first() == Some(&b'[') => {
                let reason = "a message must be an object, not an array".to_owned();
                Incoming::Malformed(Malformed { id: Value::Null, code: ErrorCode::InvalidRequest, reason })
            }
            Ok(Some(body)) => match serde_json::from_slice(&body) {
                Ok(message @ Message::Notification(_)) => match Malformed::of_invalid_id(&body) {
                    Some(malformed) => Incoming::Malformed(malformed),
                    None => Incoming::Message(message),
                },
                Ok(message) => Incoming::Message(message),
                Err(error) => Incoming::Malformed(Malformed::new(&body, &error)),
            },
            Ok(None) | Err(_) => Incoming::Closed,
        };
        let is_last = matches!(incoming, Incoming::Closed);
        if !send(incoming, size) || is_last {
            return;
        }
    }
}

/// Returns the body of the next message; `None` at the end of the input. An error means that the input does not follow
/// the protocol, so the start of the next message is unknown.
fn read_body(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let invalid = |message: &str| io::Error::new(io::ErrorKind::InvalidData, message.to_owned());
    let mut length = None;
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(MAX_HEADER).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = std::str::from_utf8(&line).map_err(|_| invalid("a header is not text"))?;
        let line = line.strip_suffix('\n').ok_or_else(|| invalid("a header is too long or incomplete"))?.trim_end();
        if line.is_empty() && length.is_some() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = Some(value.trim().parse::<usize>().map_err(|_| invalid("the length is not a number"))?);
        }
    }
    let length = length.filter(|&length| length <= MAX_MESSAGE).ok_or_else(|| invalid("the message is too long"))?;
    let mut body = Vec::new();
    input.by_ref().take(length as u64).read_to_end(&mut body)?;
    Ok((body.len() == length).then_some(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str) -> Vec<String> {
        let mut got = Vec::new();
        read_all(&mut input.as_bytes(), |incoming, _| {
            got.push(match incoming {
                Incoming::Message(Message::Notification(message)) => message.method,
                Incoming::Message(_) => "other".to_owned(),
                Incoming::Malformed(_) => "malformed".to_owned(),
                Incoming::Closed => "closed".to_owned(),
                Incoming::Overdue => "overdue".to_owned(),
            });
            true
        });
        got
    }

    fn frame(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn a_malformed_body_does_not_affect_other_messages() {
        let good = |method: &str| frame(&format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#));
        assert_eq!(read(&(good("a") + &frame("{nonsense") + &good("b"))), ["a", "malformed", "b", "closed"]);
        assert_eq!(read(&(frame("[]") + &good("b"))), ["malformed", "b", "closed"]);
    }

    #[test]
    fn ids_that_the_protocol_does_not_allow_are_answered() {
        for id in ["5000000000", "1.5", "[]"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"shutdown"}}"#);
            let mut answers = Vec::new();
            read_all(&mut frame(&body).as_bytes(), |incoming, _| {
                if let Incoming::Malformed(malformed) = incoming {
                    answers.push(Outgoing::Invalid(malformed).body().unwrap());
                }
                true
            });
            let answer = answers.concat();
            let expected = format!("the id {id} is neither a 32-bit integer nor a string");
            assert!(answer.contains(&expected) && answer.contains(&format!("\"id\":{id}")), "{answer}");
        }
    }

    #[test]
    fn an_array_has_no_id() {
        for body in [r#"[{"jsonrpc":"2.0","id":900,"method":"shutdown"}]"#, " [5]", r#"["a"]"#, "[[1,2]]"] {
            let mut answers = Vec::new();
            read_all(&mut frame(body).as_bytes(), |incoming, _| {
                if let Incoming::Malformed(malformed) = incoming {
                    answers.push(Outgoing::Invalid(malformed).body().unwrap());
                }
                true
            });
            assert!(answers.concat().contains("\"id\":null"), "{answers:?}");
        }
    }

    #[test]
    fn input_that_violates_the_protocol_ends_the_session() {
        for input in ["", "hello\r\n\r\n", "Content-Length: x\r\n\r\n{}", "Content-Length: 99999999999\r\n\r\n{}"] {
            assert_eq!(read(input), ["closed"], "{input}");
        }
        assert_eq!(read("Content-Length: 50\r\n\r\n{}"), ["closed"], "cut off");
        assert_eq!(read(&"x".repeat(10_000)), ["closed"]);
    }
}
