//! Pickles that mean harm, and pickles that only Python 2 wrote. Those of numpy are in `tests/pickles.rs`.

use super::machine::run;
use super::numpy::word;
use super::object::{Node, Objects};
use crate::pickle_fault::PickleFault;
use proptest::prelude::*;
use std::io::Cursor;
use std::path::PathBuf;

fn read(bytes: &[u8]) -> Result<Objects, PickleFault> {
    run(Cursor::new(bytes), bytes.len() as u64)
}

fn refused(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

fn fixtures() -> Vec<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pickles"));
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 10);
    files
}

#[test]
fn what_asks_for_anything_but_parts_of_arrays_is_refused_by_name() {
    for (bytes, name) in [
        (&b"cos\nsystem\n(S'echo harm'\ntR."[..], "os.system"),
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04harm\x85R.", "posix.system"),
        (b"\x80\x02c__builtin__\neval\n(X\x01\x00\x00\x001tR.", "__builtin__.eval"),
        (b"cbuiltins\ngetattr\n.", "builtins.getattr"),
        (b"cnumpy\nload\n.", "numpy.load"),
        (b"cnumpy.core.multiarray\n_reconstruct.__globals__\n.", "numpy.core.multiarray._reconstruct.__globals__"),
        (b"ctorch._utils\n_rebuild_tensor_v2\n.", "torch._utils._rebuild_tensor_v2"),
    ] {
        assert_eq!(refused(bytes), format!("it asks for {name}, and only the parts of numpy arrays are made"));
    }
}

#[test]
fn instructions_that_make_instances_or_reach_outside_are_refused() {
    for (bytes, code) in [
        (&b"(S'harm'\nios\nsystem\n."[..], b'i'),
        (b"(cnumpy\nndarray\no.", b'o'),
        (b"cnumpy\nndarray\n)\x81.", 0x81),
        (b"cnumpy\nndarray\n)}\x92.", 0x92),
        (b"Pid\n.", b'P'),
        (b"NQ.", b'Q'),
        (b"\x82\x01.", 0x82),
        (b"\x97.", 0x97),
        (b"\x8f.", 0x8f),
        (b"\xff", 0xff),
    ] {
        let expected = format!("instruction {code:#04x}");
        assert!(refused(bytes).starts_with(&expected), "{}", refused(bytes));
    }
}

#[test]
fn what_is_named_cannot_be_called_with_anything_else() {
    for bytes in [
        &b"cnumpy\nndarray\n(I9999999999\ntR."[..],
        b"c_codecs\nencode\n(Vx\nVrot13\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(c_codecs\nencode\nI0\ntR.",
        b"cbuiltins\nbytes\n(I9999999999\ntR.",
        b"NNR.",
        b"N)R.",
        b"NNb.",
        b"]Nb.",
    ] {
        assert!(matches!(read(bytes), Err(PickleFault::Broken { .. })), "{:?}", read(bytes));
    }
}

#[test]
fn lengths_beyond_the_file_are_refused_before_memory_is_taken() {
    let huge = u64::MAX.to_le_bytes();
    for code in [0x8e, 0x96, 0x8d] {
        let bytes = [&[code], &huge[..], b"abc."].concat();
        assert!(matches!(read(&bytes), Err(PickleFault::CutShort { .. })), "{:?}", read(&bytes));
    }
    for bytes in [&b"B\xff\xff\xff\x7fabc."[..], b"X\xff\xff\xff\xff.", b"T\xff\xff\xff\xff.", b"\x8b\xff\xff\xff\xff."]
    {
        assert!(read(bytes).is_err());
    }
    // An array that claims more than its bytes.
    let array = |shape: &str| {
        format!(
            "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n({shape}tcnumpy\ndtype\n(S'u1'\nI0\nI1\ntRI00\nS'abcd'\ntb."
        )
    };
    assert!(read(array("I2\nI2\n").as_bytes()).is_ok());
    for shape in ["I2\nI3\n", "I9223372036854775807\nI9223372036854775807\n", "I0\nI9223372036854775807\nI4\n", "I-1\n"]
    {
        assert!(read(array(shape).as_bytes()).is_err(), "{shape}");
    }
}

#[test]
fn bombs_cost_no_more_than_their_bytes() {
    // A list within a list, a hundred thousand deep, and one that holds itself: nothing recurses.
    let deep = [vec![b']'; 100_000], vec![b'a'; 99_999], b".".to_vec()].concat();
    assert!(read(&deep).is_ok());
    let own = read(b"]q\0h\0a.").unwrap();
    assert_eq!(own.nodes[own.root], Node::List(vec![own.root]));
    // Each list holds the one before ten times: a billion leaves for who copies them.
    let mut laughs = b"]q\0".to_vec();
    for level in 0_u8..9 {
        laughs.extend([b"(".to_vec(), [b'h', level].repeat(10), vec![b'l', b'q', level + 1]].concat());
    }
    laughs.push(b'.');
    assert!(read(&laughs).unwrap().nodes.len() < 20);
    let many = [vec![b'N'; 2_000_001], b".".to_vec()].concat();
    assert!(matches!(read(&many), Err(PickleFault::TooMuch { .. })));
    let held =
        [b"T\0\x01\0\0".iter().copied().chain([b'x'; 256]).collect::<Vec<u8>>().repeat(65_537), b".".to_vec()].concat();
    assert!(matches!(read(&held), Err(PickleFault::TooMuch { .. })));
}

#[test]
fn a_crowd_of_tiny_pictures_is_refused_before_there_is_one_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crowd.pkl");
    let count: u32 = 1_000_001;
    let head = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nI0\nS'b'\ntR(I1\n(I1000001\nI1\nI1\nI1\ntcnumpy\ndtype\n(S'u1'\ntRI00\nT";
    std::fs::write(&path, [&head[..], &count.to_le_bytes(), &vec![7; count as usize], b"tb."].concat()).unwrap();
    let error = super::open::open(&path, super::Axes::default()).err().unwrap().to_string();
    assert!(error.contains("more than 1000000 pictures"), "{error}");
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for file in fixtures() {
        let whole = std::fs::read(&file).unwrap();
        assert!(read(&whole).is_ok(), "{}", file.display());
        // Two pickles in one file may be cut between them.
        let between: Vec<usize> = (1..whole.len()).filter(|length| read(&whole[..*length]).is_ok()).collect();
        let may = usize::from(file.ends_with("turned-p5.pkl"));
        assert_eq!(between.len(), may, "{}: {between:?}", file.display());
    }
}

#[test]
fn strings_of_python_2_are_words_and_bytes() {
    for bytes in [&b"S'u1'\n."[..], b"S\"u1\"\n.", b"U\x02u1.", b"T\x02\0\0\0u1."] {
        let objects = read(bytes).unwrap();
        assert_eq!(word(&objects.nodes[objects.root]).as_deref(), Some("u1"));
    }
    assert!(refused(b"Su1\n.").contains("quotes"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn bytes_that_are_changed_are_refused_or_read_and_never_break_us(
        file in 0_usize..17, changes in prop::collection::vec((0.0..1.0, any::<u8>()), 1..4)
    ) {
        let files = fixtures();
        let path = &files[file % files.len()];
        let mut bytes = std::fs::read(path).unwrap();
        for (place, byte) in changes {
            let at = (place * bytes.len() as f64) as usize;
            bytes[at] = byte;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changed.pkl");
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(objects) = read(&bytes) {
            let reading = super::reading::Reading { path: &path };
            let _ = super::content::parts(&objects, &reading);
            let _ = super::open::open(&path, super::Axes::default());
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }
}

/// Runs within a time that only what is read once over allows.
fn in_time<T>(work: impl FnOnce() -> T) -> T {
    let begin = std::time::Instant::now();
    let result = work();
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
    result
}

#[test]
fn a_tuple_that_is_handed_over_again_and_again_is_not_read_whole_each_time() {
    let mut bytes = b"\x80\x02(cnumpy\nndarray\n".to_vec();
    bytes.extend([b'N'; 900_000]);
    bytes.extend(b"tq\x010cnumpy.core.multiarray\n_reconstruct\nq\x020");
    bytes.extend(b"h\x02h\x01R0".repeat(250_000));
    bytes.extend(b"N.");
    assert!(matches!(in_time(|| read(&bytes)), Ok(Objects { .. })));
}

#[test]
fn a_list_that_is_the_state_of_many_arrays_is_counted_each_time() {
    let mut bytes = b"\x80\x02(".to_vec();
    bytes.extend([b'N'; 500_000]);
    bytes.extend(b"lq\x000(K\x01J\x20\xa1\x07\x00\x85cnumpy\ndtype\nX\x02\x00\x00\x00O8\x85R\x89h\x00tq\x010");
    bytes.extend(b"(cnumpy\nndarray\ntq\x020cnumpy.core.multiarray\n_reconstruct\nq\x030");
    let array = b"h\x03h\x02Rh\x01b";
    let pickle = |arrays: usize| [bytes.as_slice(), &array.repeat(arrays), b"."].concat();
    assert!(read(&pickle(1)).is_ok());
    assert!(matches!(read(&pickle(1000)), Err(PickleFault::TooMuch { .. })));
}

#[test]
fn arrays_that_share_their_bytes_are_looked_through_once_and_pictures_are_counted_in_all() {
    // 4 MB of zeros, 1000 x 1000 numbers, and so many arrays of them in a list.
    let pickle = |arrays: usize, lists: usize| {
        let mut bytes = b"\x80\x03B\x00\x09\x3d\x00".to_vec();
        bytes.extend(vec![0; 4_000_000]);
        bytes.extend(b"q\x000(K\x01M\xe8\x03M\xe8\x03\x86cnumpy\ndtype\nX\x02\x00\x00\x00f4\x85R\x89h\x00tq\x010");
        bytes.extend(b"(cnumpy\nndarray\ntq\x020cnumpy.core.multiarray\n_reconstruct\nq\x030(");
        bytes.extend(b"h\x03h\x02Rh\x01b".repeat(arrays));
        bytes.extend(b"lq\x040(");
        bytes.extend(b"h\x04".repeat(lists));
        bytes.extend(b"l.");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pkl");
        std::fs::write(&path, bytes).unwrap();
        in_time(|| super::open::open(&path, super::Axes::default())).map(|parts| parts.len())
    };
    assert_eq!(pickle(20_000, 1), Ok(1));
    let error = pickle(20_000, 60).unwrap_err().to_string();
    assert!(error.ends_with("more than 1000000 pictures or labels"), "{error}");
}
