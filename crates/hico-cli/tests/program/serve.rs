//! The network over HTTP, from outside.

mod client;

use crate::setting::{done, run, shared, tensors};
use client::{Answer, Server, form, frames, world};
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_clip_is_answered_as_the_commands_answer() {
    let folder = world();
    let path = folder.path();
    let server = Server::start(path, "");
    let clip = frames(path, "P002-1");
    let said = server.post("/predict?pictures=2", &clip).json();
    let expected: Value = serde_json::from_str(&done(path, "predict tuned clips/P002-1 --json --quiet").out).unwrap();
    for key in ["frames", "prediction", "confidence", "probabilities", "ood", "nearest"] {
        assert_eq!(said["clip"][key], expected[key], "{key}");
    }
    assert_eq!(said["clip"]["source"], clip[0].0.as_str());
    let per_frame = done(path, "predict tuned clips/P002-1 --per frame --json --quiet").out;
    let per_frame: Vec<Value> = per_frame.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(said["frames"].as_array().unwrap().len(), per_frame.len());
    for (found, expected) in said["frames"].as_array().unwrap().iter().zip(&per_frame) {
        assert_eq!(
            (&found["probabilities"], &found["ood_score"]),
            (&expected["probabilities"], &expected["ood_score"])
        );
    }
    let pictures = said["pictures"].as_array().unwrap();
    assert!(pictures.len() == 2 && pictures[0]["image"].as_str().unwrap().starts_with("data:image/jpeg;base64,"));

    let looks = server.post("/explain?frame=1", &clip).json();
    done(path, "explain tuned clips/P002-1 --frames 4 --out why --quiet");
    let why = std::fs::read_dir(path.join("why")).unwrap().next().unwrap().unwrap().path();
    let why: Value = serde_json::from_str(&std::fs::read_to_string(why.join("explanation.json")).unwrap()).unwrap();
    assert_eq!((&looks["class"], &looks["frames"]), (&why["class"], &serde_json::json!([1])));
    let levels = looks["maps"][0]["levels"].as_object().unwrap();
    assert_eq!(levels.keys().collect::<Vec<_>>(), ["global", "local", "medium", "occlusion"]);
    for map in levels.values() {
        let places = map["height"].as_u64().unwrap() * map["width"].as_u64().unwrap();
        assert_eq!(map["values"].as_array().unwrap().len() as u64, places);
    }
    let looks = server.post("/explain?count=4", &clip).json();
    for key in ["class", "probability", "frames", "agrees_with_occlusion", "like_random_weights"] {
        assert_eq!(looks[key], why[key], "{key}");
    }
    assert_eq!(looks["maps"].as_array().unwrap().len(), 4);

    let features = server.post("/embed?per=frame&frames_per_clip=3", &clip).json();
    assert_eq!(features["rows"].as_array().unwrap().len(), 3);
    let network = "tuned/scratch-fold0-seed1.safetensors";
    done(path, &format!("embed {network} clips/P002-1 --per frame --frames-per-clip 3 --out e.safetensors --quiet"));
    let (_, bytes) = tensors(&path.join("e.safetensors"));
    let expected = bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four));
    let found = features["rows"].as_array().unwrap().iter().flat_map(|row| row["features"].as_array().unwrap());
    assert!(found.map(|value| value.as_f64().unwrap() as f32).eq(expected), "features");
    let card = server.get("/card").json();
    assert_eq!(card["network"]["classes"], said["classes"]);
    let patient = (1..=9).map(|number| format!("P00{number}")).find(|patient| card.to_string().contains(patient));
    assert_eq!(patient, None, "the card names no patient");
    // Nothing of the clips is left, and nothing of their names was told.
    assert_eq!(std::fs::read_dir(path.join("tmp")).unwrap().count(), 0);
    let said = server.end();
    assert!(said.code == Some(0) && said.err.contains("POST /predict 200"), "{}", said.err);
    assert!(!said.err.contains(&clip[0].0), "{}", said.err);
}

#[test]
fn what_cannot_be_answered_is_refused_with_the_reason() {
    let folder = world();
    let path = folder.path();
    let server = Server::start(path, "--max-body 5 --max-frames 3");
    let clip = frames(path, "P002-1");
    let one = &clip[..1];
    let named = |name: &str, bytes: &[u8]| vec![(name.to_owned(), bytes.to_vec())];
    server.post("/predict", &clip).refuses(413, "more than 3");
    server.post("/predict", &named("a.mp4", &vec![0; 5_100_000])).refuses(413, "the body has more than 5000000 bytes");
    server.post("/predict", &named("a.mp4", &vec![0; 4_900_000])).refuses(422, "not a video");
    server.post("/predict", &named("a.dcm", b"these are words, and no clip")).refuses(422, "a text file");
    server.post("/predict", &named("a.mp4", b"\0\0\0\x18ftypmp42")).refuses(422, "not a video");
    server.post("/predict", &named("a", b"")).refuses(422, "no DICOM file");
    server.post("/predict", &named("a.bin", &[1, 2, 3])).refuses(422, "no DICOM file");
    server.post("/predict?frame_stride=0", one).refuses(400, "frame_stride");
    server.post("/predict?every=0", one).refuses(400, "every");
    server.post("/predict?pictrs=2", one).refuses(400, "pictrs");
    server.post("/explain?frame=1&count=1", one).refuses(400, "leave one out");
    server.post("/explain?class=none", one).refuses(400, "the classes are");
    server.post("/explain?frame=9", one).refuses(422, "it has 1, counted from 0");
    server.post("/embed?per=pixel", one).refuses(400, "pixel");
    server.get("/predict").refuses(405, "another method");
    server.get("/gone").refuses(404, "nothing here");
    let head = server.head("/predict", 4, "").replace("multipart/form-data", "application/json");
    server.send(&head, b"null").refuses(400, "no multipart/form-data");
    let other_field = String::from_utf8(form(&named("a.png", b"x"))).unwrap().replace("\"file\"", "\"clip\"");
    server.send(&server.head("/predict", other_field.len(), ""), other_field.as_bytes()).refuses(400, "\"file\"");
    let nothing = form(&[]);
    server.send(&server.head("/predict", nothing.len(), ""), &nothing).refuses(400, "no part is named");
    let cut = &form(one)[..60];
    server.send(&server.head("/predict", cut.len(), ""), cut).refuses(400, "cut short");
    // A part whose headers never end is not gathered in memory, and a body without a length is counted.
    let endless = [form(one)[..22].to_vec(), vec![b'a'; 4_900_000]].concat();
    server.send(&server.head("/predict", endless.len(), ""), &endless).refuses(400, "multipart");
    let chunked = server.head("/predict", 0, "").replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let long = form(&named("a.mp4", &vec![0; 5_000_100]));
    let mut body = format!("{:x}\r\n", long.len()).into_bytes();
    body.extend_from_slice(&long);
    body.extend_from_slice(b"\r\n0\r\n\r\n");
    server.send(&chunked, &body).refuses(413, "the body has more than");

    // Whoever is refused at the door hears it after sending everything.
    let large = named("a.mp4", &vec![0; 4_900_000]);
    server.post_with("/predict", &large, "Origin: https://evil.test\r\n").refuses(403, "another site");
    server.post("/predict?frame_stride=0", &large).refuses(400, "frame_stride");
    let rebound = server.head("/predict", 0, "").replace(&server.address, "evil.test");
    server.send(&rebound, &[]).refuses(421, "its own machine only");
    assert_eq!(server.post_with("/predict", one, &format!("Origin: http://{}\r\n", server.address)).status, 200);

    let text = server.get("/metrics").body;
    assert!(text.contains(r#"hico_requests_total{route="/predict",status="413"} 3"#), "{text}");
    assert!(text.contains("hico_at_work 0") && text.contains("hico_frames_total 1"), "{text}");
    assert_eq!(std::fs::read_dir(path.join("tmp")).unwrap().count(), 0, "a refused clip leaves nothing");
    assert_eq!(server.end().code, Some(0));
}

#[test]
fn without_the_token_nothing_is_told_and_without_one_others_are_not_listened_to() {
    let folder = world();
    let path = folder.path();
    let refused = |line: &str, words: &str| {
        let said = run(path, line.split(' '));
        assert!(said.code == Some(1) && said.err.contains(words), "{line}: {}", said.err);
    };
    refused("serve tuned --listen 0.0.0.0:0", "there is no token");
    refused("serve tuned --token short", "less than 16 bytes");
    refused("serve data", "holds no fine-tuned network");
    let token = "a-secret-of-some-length";
    let server = Server::start(path, &format!("--token {token} --listen 127.0.0.1:0"));
    let taken = server.address.clone();
    refused(&format!("serve tuned --listen {taken}"), "choose another --listen");
    let clip = frames(path, "P002-1");
    for (headers, status) in [
        (String::new(), 401),
        ("Authorization: Bearer another-secret-word\r\n".to_owned(), 401),
        (format!("Authorization: Basic {token}\r\n"), 401),
        (format!("Authorization: Bearer {token}\r\n"), 200),
    ] {
        let said = server.post_with("/predict", &clip, &headers);
        assert_eq!(said.status, status, "{headers}");
        assert_eq!(said.head.contains("www-authenticate: bearer"), status == 401);
    }
    for closed in ["/card", "/limits", "/metrics", "/gone"] {
        server.get(closed).refuses(401, "token");
    }
    for open in ["/", "/page.css", "/page.js", "/health", "/openapi.json"] {
        let said = server.get(open);
        assert_eq!(said.status, 200, "{open}");
        for header in ["content-security-policy: default-src 'none'", "x-content-type-options: nosniff", "no-store"] {
            assert!(said.head.contains(header), "{open}: {}", said.head);
        }
    }
    let said = server.end();
    assert!(said.code == Some(0) && !said.err.contains(token), "{}", said.err);
}

#[test]
fn too_much_at_once_and_too_slow_are_told_and_what_is_at_work_is_finished() {
    let folder = world();
    let path = folder.path();
    let clip = frames(path, "P002-1");
    let body = form(&clip);
    let server = Server::start(path, "--at-once 1 --waiting 0 --max-seconds 3");
    // Half a body holds the only place.
    let begin = || {
        let mut stream = server.connect();
        stream.write_all(server.head("/predict", body.len(), "").as_bytes()).unwrap();
        stream.write_all(&body[..body.len() / 2]).unwrap();
        thread::sleep(Duration::from_millis(300));
        stream
    };
    let slow = begin();
    let busy = server.post("/predict", &clip);
    busy.refuses(429, "too many requests");
    assert!(busy.head.contains("retry-after: 5"), "{}", busy.head);
    assert_eq!(server.get("/health").status, 200, "who asks for no work is answered");
    let began = Instant::now();
    let late = Answer::read(slow);
    late.refuses(503, "not finished within 3 s");
    // What is left of its body is waited for two seconds more.
    assert!(began.elapsed() < Duration::from_secs(6));
    // Its place is free again, also where a client goes away.
    drop(begin());
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.post("/predict", &clip).status != 200 {
        assert!(Instant::now() < deadline, "the place is never given back");
        thread::sleep(Duration::from_millis(50));
    }
    let mut last = begin();
    server.interrupt();
    thread::sleep(Duration::from_millis(300));
    last.write_all(&body[body.len() / 2..]).unwrap();
    assert_eq!(Answer::read(last).status, 200);
    let said = server.ended();
    assert_eq!(said.code, Some(0));
    let logged = said.err.lines().any(|line| {
        ["ERROR", "POST /predict 503", "not finished within 3 s, receiving the clip"]
            .iter()
            .all(|words| line.contains(words))
    });
    assert!(logged, "{}", said.err);
    assert_eq!(std::fs::read_dir(path.join("tmp")).unwrap().count(), 0);
}

#[test]
fn what_the_server_is_to_blame_for_is_logged_with_its_cause_and_no_name_ever_is() {
    let folder = world();
    let path = folder.path();
    let named = |name: &str, bytes: &[u8]| vec![(name.to_owned(), bytes.to_vec())];
    let (_, bytes) = frames(path, "P002-1").swap_remove(0);
    for (flags, tells_requests, tells_readers) in [("", true, false), ("--quiet", false, false), ("-vvv", true, true)] {
        let server = Server::start(path, flags);
        assert_eq!(server.post("/predict", &named("Doe^Jane-1970.png", &bytes)).status, 200);
        server.post("/predict", &named("Doe^Jane-1970.mp4", b"Doe^Jane, no clip")).refuses(422, "a text file");
        // Without its temporary folder no upload can be stored.
        std::fs::remove_dir(path.join("tmp")).unwrap();
        server.post("/predict", &named("Doe^Jane-1970.png", &bytes)).refuses(500, "the server failed");
        std::fs::create_dir(path.join("tmp")).unwrap();
        let said = server.end();
        let fault: Vec<&str> = said.err.lines().filter(|line| line.contains("ERROR")).collect();
        let [fault] = fault[..] else { panic!("{flags}: {}", said.err) };
        for words in ["request{id=3}", "POST /predict 500", "ms: the upload cannot be stored: entity not found"] {
            assert!(fault.contains(words), "{flags}: {words}: {fault}");
        }
        let is_told = said.err.contains("request{id=1}: hico_serve::trace: POST /predict 200");
        assert_eq!(is_told, tells_requests, "{flags}: {}", said.err);
        let reads = r#"request{id=1}: hico_data::ingest::prepare: decoded reader="pictures""#;
        assert_eq!(said.err.contains(reads), tells_readers, "{flags}: {}", said.err);
        assert!(!said.err.contains("Doe") && !said.err.contains("Jane"), "{flags}: {}", said.err);
        assert!(!said.err.contains('\u{1b}'), "no colours but at a terminal: {}", said.err);
    }
}

/// What checks that the description is OpenAPI 3.1 and that answers are as it says.
const API: &str = include_str!("serve/api.py");

#[test]
fn answers_are_as_the_description_says() {
    let folder = world();
    let server = Server::start(folder.path(), "");
    let clip = folder.path().join("clips/P002-1");
    let python = std::env::var("HICO_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).args(["-c", API, &server.address]).arg(&clip).output();
    match output {
        Ok(output) if output.status.code() == Some(0) => {
            assert!(String::from_utf8_lossy(&output.stdout).contains("checked"))
        }
        Ok(output) if output.status.code() == Some(1) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        _ => println!("skipped: the description of the paths: no openapi-spec-validator"),
    }
}

#[test]
fn a_person_finds_their_way_about_the_page() {
    let folder = world();
    let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].into_iter().find(|path| Path::new(path).exists());
    let modules = std::env::var_os("HICO_NODE_MODULES");
    let (Some(chromium), Some(modules)) = (chromium, modules) else {
        return println!("skipped: the page: no Chromium, or HICO_NODE_MODULES names no playwright-core");
    };
    let real = ["dicom/us_cine_jpeg_hp_34f.dcm", "videos/covid/Cov-Atlas-pleural.mp4"];
    let real = real.map(|clip| shared().join("data").join(clip));
    let clips = if real.iter().all(|path| path.exists()) {
        real.to_vec()
    } else {
        println!("skipped: real clips on the page: no {}", shared().display());
        frames(folder.path(), "P002-1")
            .into_iter()
            .take(1)
            .map(|(name, _)| folder.path().join("clips/P002-1").join(name))
            .collect()
    };
    let bad = folder.path().join("words.dcm");
    std::fs::write(&bad, "these are words, and no clip").unwrap();
    for token in [None, Some("a-secret-of-some-length")] {
        let server = Server::start(folder.path(), &token.map_or_else(String::new, |token| format!("--token {token}")));
        let mut command = Command::new("node");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/serve/page.mjs"));
        command.arg(chromium).arg(format!("http://{}/", server.address)).arg(folder.path()).args(&clips);
        command.env("NODE_PATH", &modules).env("HICO_BAD_CLIP", &bad);
        token.map(|token| command.env("HICO_TOKEN", token));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
