//! Bodies that are no upload, or are: each is stored or refused as it should be, in bounded time. `fuzz/` looks for more of
//! them (docs/FUZZING.md).

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

#[expect(unreachable_pub, reason = "public where the fuzz target has it")]
mod targets;

use std::time::{Duration, Instant};

const LINE: &str = "multipart/form-data; boundary=x\n";

fn part(name: &str, file: &str, content: &str) -> String {
    format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\r\n{content}\r\n")
}

fn said(body: &str) -> String {
    targets::upload(body.as_bytes()).unwrap_err()
}

#[test]
fn bodies_are_stored_or_refused_with_their_words() {
    let good = format!("{LINE}{}{}--x--\r\n", part("file", "a.png", "abc"), part("file", "b.png", ""));
    assert_eq!(targets::upload(good.as_bytes()), Ok(2));
    let many: String = (0..17).map(|_| part("file", "a.png", "")).collect();
    for (body, words) in [
        ("application/json\n{}".to_owned(), "400 the body is no multipart"),
        ("multipart/form-data\n--x--".to_owned(), "400 the body is no multipart"),
        (format!("{LINE}--x--\r\n"), "no part is named"),
        (LINE.to_owned(), "400"),
        (format!("{LINE}{}--x--\r\n", part("clip", "a.png", "")), "a part is not named"),
        (format!("{LINE}{many}--x--\r\n"), "413 more than 16 files"),
        (format!("{LINE}{}", part("file", "a.png", &"a".repeat(1 << 20))), "413 the body has more than"),
        (format!("{LINE}--x\r\nContent-Disposition: {}", "a".repeat(60_000)), "400 the body is no whole"),
        (format!("{LINE}{}", part("file", "a.png", "cut")), "400 the body is no whole"),
    ] {
        let found = said(&body);
        assert!(found.contains(words), "{words}: {found}");
        assert!(!found.contains("/tmp") && !found.contains("hico-"), "a path of the server: {found}");
    }
    // Cut anywhere, or with a byte turned, a good body may be stored or not, and soon.
    for at in 0..good.len() {
        let mut turned = good.clone().into_bytes();
        turned[at] ^= 0x55;
        for input in [&good.as_bytes()[..at], &turned] {
            let begin = Instant::now();
            targets::upload(input).ok();
            assert!(begin.elapsed() < Duration::from_secs(10), "{at}");
        }
    }
}
