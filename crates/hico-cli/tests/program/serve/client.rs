//! A server that runs, and a client that speaks to it in plain HTTP/1.1.

use crate::setting::{Said, dataset, done, hico};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

/// Phantom clips and a network fine-tuned on them, `tuned`; `tmp` is for the server's temporary folders.
pub(crate) fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path(), "--patients 9 --frames 4 --seed 3");
    done(
        folder.path(),
        "finetune random --data data --side 32 --batch 8 --epochs 1 --holdout-fold 0 --out tuned --quiet",
    );
    std::fs::create_dir(folder.path().join("tmp")).unwrap();
    folder
}

/// The frames of a phantom clip, in order.
pub(crate) fn frames(folder: &Path, clip: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder.join("clips").join(clip)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap());
    paths.into_iter().map(read).collect()
}

/// `hico serve`, running; ended with it.
pub(crate) struct Server {
    child: Child,
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(folder: &Path, flags: &str) -> Self {
        let mut command = hico(folder);
        command.args(["serve", "tuned", "--json"]).args(flags.split_whitespace()).env("TMPDIR", folder.join("tmp"));
        if !flags.contains("--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told: String = lines.by_ref().map(|line| line.unwrap()).take_while(|line| line != "}").collect();
        let address = told.split('"').nth(3).unwrap_or_default().trim_start_matches("http://").to_owned();
        assert!(address.contains(':'), "{told}");
        Self { child, address }
    }

    /// Asks it to end, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// Asks it to end and waits for it; what it said.
    pub(crate) fn end(self) -> Said {
        self.interrupt();
        self.ended()
    }

    /// Waits for its end; what it said.
    pub(crate) fn ended(mut self) -> Said {
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        Said { code: self.child.wait().unwrap().code(), out: String::new(), err }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address), &[])
    }

    /// Sends files as a form does.
    pub(crate) fn post(&self, path: &str, files: &[(String, Vec<u8>)]) -> Answer {
        self.post_with(path, files, "")
    }

    /// As [`Self::post`], with lines of headers, each ended by `\r\n`.
    pub(crate) fn post_with(&self, path: &str, files: &[(String, Vec<u8>)], headers: &str) -> Answer {
        let body = form(files);
        self.send(&self.head(path, body.len(), headers), &body)
    }

    pub(crate) fn head(&self, path: &str, length: usize, headers: &str) -> String {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: multipart/form-data; \
             boundary={BOUNDARY}\r\nContent-Length: {length}\r\n{headers}\r\n",
            self.address
        )
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    pub(crate) fn send(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(head.as_bytes()).unwrap();
        // A body that is refused may not be read to its end.
        stream.write_all(body).ok();
        Answer::read(stream)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

const BOUNDARY: &str = "----a-line-between";

/// Files as `multipart/form-data`.
pub(crate) fn form(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in files {
        write!(body, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n")
            .unwrap();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    write!(body, "--{BOUNDARY}--\r\n").unwrap();
    body
}

/// What a server said.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// To the end of the connection.
    pub(crate) fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_default();
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {}", self.head, self.body))
    }

    /// Must be a refusal with this status whose words hold `words`.
    pub(crate) fn refuses(&self, status: u16, words: &str) {
        let said = self.json();
        let told = format!("{}; {}", said["error"].as_str().unwrap(), said["hint"].as_str().unwrap());
        assert!(self.status == status && told.contains(words), "{status} {words}: {} {told}", self.status);
        assert!(!told.contains("/tmp") && !told.contains("hico-"), "a path of the server: {told}");
    }
}
