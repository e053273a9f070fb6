//! As much of HTTP as an API with short answers needs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

pub struct Request {
    pub method: String,
    pub path: String,
    pub authorization: Option<String>,
    pub body: Vec<u8>,
}

pub struct Reply {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Request {
    /// Whether a token of an App signed it.
    pub fn is_app(&self) -> bool {
        self.authorization.as_ref().is_some_and(|header| header.contains("ghs_"))
    }

    /// The user the token stands for.
    pub fn login(&self) -> String {
        match self.is_app() {
            true => "promote-bot[bot]".to_owned(),
            false => self.authorization.as_ref().and_then(|header| header.rsplit(' ').next()).unwrap().to_owned(),
        }
    }
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: String::new(), body: body.to_string() }
    }
}

/// Answers one request; where there is no reply the connection just ends.
pub fn serve(stream: TcpStream, answer: impl FnOnce(&Request) -> Option<Reply>) {
    let mut reader = BufReader::new(stream);
    let Some(request) = read(&mut reader) else { return };
    if let Some(reply) = answer(&request) {
        let head = format!(
            "HTTP/1.1 {} x\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n{}\r\n",
            reply.status,
            reply.body.len(),
            reply.headers
        );
        let stream = reader.get_mut();
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(reply.body.as_bytes()));
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut authorization, mut length, mut is_chunked) = (None, 0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => authorization = Some(value.to_owned()),
            "content-length" => length = value.parse().ok()?,
            "transfer-encoding" => is_chunked = value == "chunked",
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    while is_chunked {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).ok()?;
        body.extend_from_slice(&chunk[..size]);
        is_chunked = size > 0;
    }
    Some(Request { method, path, authorization, body })
}
