//! Runs the instructions of a pickle that numpy arrays in lists, tuples and dictionaries need, and no other ones.
//!
//! Nothing is imported or called: what Python would call is one of [`Global`], and each of those is a few lines of
//! [`super::numpy`]. Every instruction takes a byte of the file or more, makes at most one object and is counted; long
//! strings stay in the file. Objects know each other by number, so one that holds itself is no danger here.

use super::data::{Data, Encoding, Extent, decode};
use super::numpy;
use super::object::{Global, Id, Node, Objects};
use super::source::Source;
use crate::pickle_fault::PickleFault;
use std::collections::HashMap;
use std::io::{BufRead, Seek};

/// Most instructions.
const MOST: usize = 2_000_000;
/// Longest string that is held, bytes; longer ones stay in the file.
const HELD: usize = 256;
/// Bytes of all strings that are held.
const HELD_IN_ALL: usize = 16 << 20;
/// Longest line that holds a number or a name, bytes.
const LINE: usize = 256;

/// Reads all pickles of a file.
pub(super) fn run<R: BufRead + Seek>(reader: R, length: u64) -> Result<Objects, PickleFault> {
    let mut machine = Machine {
        source: Source::new(reader, length),
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        instructions: 0,
        held: 0,
    };
    let mut roots = Vec::new();
    while roots.is_empty() || machine.source.left() > 0 {
        roots.push(machine.one()?);
        machine.stack.clear();
        machine.marks.clear();
        machine.memo.clear();
    }
    let root = match roots.as_slice() {
        [root] => *root,
        _ => machine.make(Node::List(roots)),
    };
    Ok(Objects { nodes: machine.nodes, root })
}

struct Machine<R> {
    source: Source<R>,
    nodes: Vec<Node>,
    stack: Vec<Id>,
    /// Says how long the stack was at each open mark.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    instructions: usize,
    held: usize,
}

impl<R: BufRead + Seek> Machine<R> {
    /// Runs to the next stop.
    fn one(&mut self) -> Result<Id, PickleFault> {
        loop {
            self.count(1)?;
            let at = self.source.at();
            let [code] = self.source.take()?;
            if code == b'.' {
                return self.pop();
            }
            self.step(code, at)?;
        }
    }

    fn count(&mut self, steps: usize) -> Result<(), PickleFault> {
        self.instructions += steps;
        if self.instructions > MOST { Err(PickleFault::TooMuch { limit: MOST, held: HELD_IN_ALL }) } else { Ok(()) }
    }

    fn step(&mut self, code: u8, at: u64) -> Result<(), PickleFault> {
        match code {
            // Protocol and frame only help a reader along.
            0x80 => self.source.take::<1>().map(drop),
            0x95 => self.source.take::<8>().map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(drop),
            b'1' => self.since_mark().map(drop),
            b'2' => {
                let top = self.pop()?;
                self.stack.extend([top, top]);
                Ok(())
            }
            b'N' => self.push(Node::None),
            0x88 => self.push(Node::Bool(true)),
            0x89 => self.push(Node::Bool(false)),
            b'I' | b'L' | b'F' => self.number_line(code),
            b'J' => {
                let number = i32::from_le_bytes(self.source.take()?);
                self.push(Node::Int(number.into()))
            }
            b'K' | b'M' => {
                let count = if code == b'K' { 1 } else { 2 };
                let number = self.length(count)?;
                self.push(Node::Int(number.cast_signed()))
            }
            0x8a | 0x8b => self.long(code),
            b'G' => {
                let number = f64::from_be_bytes(self.source.take()?);
                self.push(Node::Float(number))
            }
            b'V' | b'S' => self.text_line(code),
            b'X' | 0x8c | 0x8d => {
                let count = self.length(match code {
                    b'X' => 4,
                    0x8c => 1,
                    _ => 8,
                })?;
                let text = self.text(count)?;
                self.push(Node::Text(text))
            }
            b'T' | b'U' | b'B' | b'C' | 0x8e | 0x96 => {
                let count = self.length(match code {
                    b'T' | b'B' => 4,
                    b'U' | b'C' => 1,
                    _ => 8,
                })?;
                let bytes = self.bytes(count)?;
                self.push(Node::Bytes(bytes))
            }
            b']' => self.push(Node::List(Vec::new())),
            b')' => self.push(Node::Tuple(Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            b'l' | b't' | b'd' => {
                let items = self.since_mark()?;
                self.push(match code {
                    b'l' => Node::List(items),
                    b't' => Node::Tuple(items),
                    _ => Node::Dict(pairs(&items)),
                })
            }
            0x85..=0x87 => {
                let items = self.last(usize::from(code - 0x84))?;
                self.push(Node::Tuple(items))
            }
            b'a' | b'e' | b's' | b'u' => self.extend(code),
            b'p' | b'q' | b'r' | 0x94 => {
                let key = self.memo_key(code)?;
                let top = *self.stack.last().ok_or_else(|| self.empty())?;
                self.memo.insert(key, top);
                Ok(())
            }
            b'g' | b'h' | b'j' => {
                let key = self.memo_key(code)?;
                let broken = PickleFault::Broken { at, said: "it recalls what it never stored" };
                self.stack.push(*self.memo.get(&key).ok_or(broken)?);
                Ok(())
            }
            b'c' => {
                let (module, name) = (self.word_line()?, self.word_line()?);
                self.push(Node::Global(Global::named(&module, &name)?))
            }
            0x93 => {
                let names = self.last(2)?;
                let word = |id: &Id| match &self.nodes[*id] {
                    Node::Text(Data::Held(word)) => Some(String::from_utf8_lossy(word).into_owned()),
                    _ => None,
                };
                let names: Option<Vec<String>> = names.iter().map(word).collect();
                match names.as_deref() {
                    Some([module, name]) => self.push(Node::Global(Global::named(module, name)?)),
                    _ => Err(PickleFault::Broken { at, said: "a name that is no word" }),
                }
            }
            b'R' => {
                let (callable, arguments) = self.two()?;
                let made = numpy::call(&self.nodes, callable, arguments, at)?;
                self.push(made)
            }
            b'b' => {
                let (target, state) = self.two()?;
                let made = numpy::with_state(&self.nodes, target, state, at)?;
                // An array of objects is a copy of their list, and one list can be the state of many arrays.
                if let Node::List(items) = &made {
                    self.count(items.len())?;
                }
                self.nodes[target] = made;
                self.stack.push(target);
                Ok(())
            }
            _ => Err(PickleFault::Instruction { code, at }),
        }
    }

    fn make(&mut self, node: Node) -> Id {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn push(&mut self, node: Node) -> Result<(), PickleFault> {
        let id = self.make(node);
        self.stack.push(id);
        Ok(())
    }

    fn empty(&self) -> PickleFault {
        PickleFault::Broken { at: self.source.at(), said: "it takes what is not there" }
    }

    /// The last `count` objects above the last mark.
    fn last(&mut self, count: usize) -> Result<Vec<Id>, PickleFault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let begin = self.stack.len().checked_sub(count).filter(|begin| *begin >= floor);
        let begin = begin.ok_or_else(|| self.empty())?;
        Ok(self.stack.split_off(begin))
    }

    fn pop(&mut self) -> Result<Id, PickleFault> {
        self.last(1)?.pop().ok_or_else(|| self.empty())
    }

    fn two(&mut self) -> Result<(Id, Id), PickleFault> {
        match self.last(2)?.as_slice() {
            [first, second] => Ok((*first, *second)),
            _ => Err(self.empty()),
        }
    }

    /// All objects above the last mark, which goes.
    fn since_mark(&mut self) -> Result<Vec<Id>, PickleFault> {
        let begin = self.marks.pop().ok_or_else(|| self.empty())?;
        Ok(self.stack.split_off(begin.min(self.stack.len())))
    }

    /// Adds to a list or a dictionary.
    fn extend(&mut self, code: u8) -> Result<(), PickleFault> {
        let items = match code {
            b'a' => self.last(1)?,
            b's' => self.last(2)?,
            _ => self.since_mark()?,
        };
        let target = *self.stack.last().ok_or_else(|| self.empty())?;
        match (&mut self.nodes[target], code) {
            (Node::List(list), b'a' | b'e') => list.extend(items),
            (Node::Dict(dict), b's' | b'u') => dict.extend(pairs(&items)),
            _ => {
                return Err(PickleFault::Broken { at: self.source.at(), said: "it adds to what is no list" });
            }
        }
        Ok(())
    }

    /// A whole number of `count` bytes, 8 at most.
    fn length(&mut self, count: usize) -> Result<u64, PickleFault> {
        let mut bytes = [0; 8];
        self.source.fill(&mut bytes[..count])?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn long(&mut self, code: u8) -> Result<(), PickleFault> {
        let count = self.length(if code == 0x8a { 1 } else { 4 })?;
        let at = self.source.at();
        let count = usize::try_from(count).ok().filter(|count| *count <= 8);
        let count = count.ok_or(PickleFault::Broken { at, said: "a number of more than 64 bits" })?;
        let number = self.length(count)?;
        let unused = 64 - 8 * u32::try_from(count).unwrap_or(8);
        // A number of no bytes is 0.
        let number = if count == 0 { 0 } else { (number << unused).cast_signed() >> unused };
        self.push(Node::Int(number))
    }

    fn memo_key(&mut self, code: u8) -> Result<u64, PickleFault> {
        match code {
            b'q' | b'h' => self.length(1),
            b'r' | b'j' => self.length(4),
            0x94 => Ok(self.memo.len() as u64),
            _ => {
                let at = self.source.at();
                let word = self.word_line()?;
                word.parse().map_err(|_| PickleFault::Broken { at, said: "a place that is no number" })
            }
        }
    }

    fn word_line(&mut self) -> Result<String, PickleFault> {
        let at = self.source.at();
        let (line, _) = self.source.line(LINE)?;
        let line = line.and_then(|line| String::from_utf8(line).ok());
        let line = line.ok_or(PickleFault::Broken { at, said: "a line that is too long, or no text" })?;
        Ok(line.trim_end_matches('\r').to_owned())
    }

    fn number_line(&mut self, code: u8) -> Result<(), PickleFault> {
        let at = self.source.at();
        let word = self.word_line()?;
        let node = match (code, word.as_str()) {
            (b'I', "00") => Some(Node::Bool(false)),
            (b'I', "01") => Some(Node::Bool(true)),
            (b'F', word) => word.parse().ok().map(Node::Float),
            (_, word) => word.trim_end_matches('L').parse().ok().map(Node::Int),
        };
        self.push(node.ok_or(PickleFault::Broken { at, said: "a number that is none" })?)
    }

    /// Text of protocol 0, to the end of the line; that of Python 2 within quotes.
    fn text_line(&mut self, code: u8) -> Result<(), PickleFault> {
        let begin = self.source.at();
        let (line, length) = self.source.line(HELD)?;
        let broken = PickleFault::Broken { at: begin, said: "a string without its quotes" };
        let quotes = u64::from(code == b'S');
        let stored = length.checked_sub(2 * quotes).ok_or_else(|| broken.clone())?;
        let encoding = if code == b'S' { Encoding::Quoted } else { Encoding::RawUnicode };
        let data = match line {
            None => Data::InFile(Extent { at: begin + quotes, stored, encoding }),
            Some(line) if code == b'S' => {
                let inner = match line.as_slice() {
                    [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
                    _ => return Err(broken),
                };
                self.hold(decode(inner, encoding, begin)?)?
            }
            Some(line) => {
                let latin = decode(&line, encoding, begin)?;
                self.hold(latin.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes())?
            }
        };
        self.push(if code == b'S' { Node::Bytes(data) } else { Node::Text(data) })
    }

    /// Text of so many bytes of UTF-8.
    fn text(&mut self, count: u64) -> Result<Data, PickleFault> {
        let data = self.bytes(count)?;
        let at = self.source.at();
        match data {
            Data::Held(bytes) if std::str::from_utf8(&bytes).is_err() => {
                Err(PickleFault::Broken { at, said: "text that is not UTF-8" })
            }
            Data::InFile(extent) => Ok(Data::InFile(Extent { encoding: Encoding::Utf8, ..extent })),
            held @ Data::Held(_) => Ok(held),
        }
    }

    fn bytes(&mut self, count: u64) -> Result<Data, PickleFault> {
        let at = self.source.at();
        match usize::try_from(count).ok().filter(|count| *count <= HELD) {
            Some(count) => {
                let mut bytes = vec![0; count];
                self.source.fill(&mut bytes)?;
                self.hold(bytes)
            }
            None => {
                self.source.skip(count)?;
                Ok(Data::InFile(Extent { at, stored: count, encoding: Encoding::Raw }))
            }
        }
    }

    fn hold(&mut self, bytes: Vec<u8>) -> Result<Data, PickleFault> {
        self.held += bytes.len();
        if self.held > HELD_IN_ALL {
            return Err(PickleFault::TooMuch { limit: MOST, held: HELD_IN_ALL });
        }
        Ok(Data::Held(bytes.into()))
    }
}

fn pairs(items: &[Id]) -> Vec<(Id, Id)> {
    items.as_chunks::<2>().0.iter().map(|[key, value]| (*key, *value)).collect()
}
