//! Tells what a pickle of arrays asks to be called, done here in a few lines each.

use super::array::{Array, Dtype, Kind, MOST_AXES, Order};
use super::data::{Data, Encoding, Extent};
use super::object::{Global, Id, Node};
use crate::pickle_fault::PickleFault;

/// Arguments, and parts of a state, that are looked at; numpy gives fewer. One tuple can be handed over many times.
const MOST_ARGUMENTS: usize = 16;

/// Returns what Python would get by calling `callable` with `arguments`.
pub(super) fn call(nodes: &[Node], callable: Id, arguments: Id, at: u64) -> Result<Node, PickleFault> {
    let broken = |said| PickleFault::Broken { at, said };
    let Node::Global(callable) = nodes[callable] else { return Err(broken("it calls what cannot be called")) };
    let Node::Tuple(arguments) = &nodes[arguments] else { return Err(broken("it calls without arguments")) };
    let arguments: Vec<&Node> = arguments.iter().take(MOST_ARGUMENTS).map(|id| &nodes[*id]).collect();
    match (callable, arguments.as_slice()) {
        (Global::Reconstruct, [Node::Global(Global::Ndarray), ..]) => Ok(Node::Blank),
        (Global::Dtype, [code, ..]) => Ok(Node::Dtype(Dtype::parse(&word(code).unwrap_or_default())?)),
        (Global::Scalar, [Node::Dtype(dtype), Node::Bytes(Data::Held(bytes))]) if bytes.len() == dtype.size => {
            match dtype.kind {
                Kind::Unicode | Kind::Text => Ok(Node::Text(Data::Held(dtype.words(bytes).into_bytes().into()))),
                Kind::Object => Err(broken("a number of no kind")),
                Kind::Float => Ok(Node::Float(dtype.number(bytes))),
                Kind::Bool => Ok(Node::Bool(dtype.number(bytes) != 0.0)),
                Kind::Signed | Kind::Unsigned => Ok(Node::Int(dtype.number(bytes) as i64)),
            }
        }
        (Global::FromBuffer, [Node::Bytes(data), Node::Dtype(dtype), shape, order, turned @ ..])
            if dtype.kind != Kind::Object =>
        {
            let order = match (word(order).as_deref(), turned) {
                (Some("C"), _) => Order::C,
                (Some("F"), _) => Order::Fortran,
                (Some("K"), [turned]) => Order::Turned(axes(nodes, turned, at)?),
                _ => return Err(broken("an order of bytes that is none")),
            };
            array(*dtype, axes(nodes, shape, at)?, &order, data.clone())
        }
        (Global::Encode, [Node::Text(text), code]) if is_latin(code) => Ok(Node::Bytes(latin(text, at)?)),
        (Global::Bytes, []) => Ok(Node::Bytes(Data::Held([].into()))),
        _ => Err(broken("it calls with arguments that do not fit")),
    }
}

/// Returns what becomes of `target` when it is given its state.
pub(super) fn with_state(nodes: &[Node], target: Id, state: Id, at: u64) -> Result<Node, PickleFault> {
    let broken = |said| PickleFault::Broken { at, said };
    let Node::Tuple(state) = &nodes[state] else { return Err(broken("a state that is none")) };
    let state: Vec<&Node> = state.iter().take(MOST_ARGUMENTS).map(|id| &nodes[*id]).collect();
    match (&nodes[target], state.as_slice()) {
        (Node::Dtype(dtype), [_, order, Node::None, Node::None, Node::None, ..]) => {
            Ok(Node::Dtype(Dtype { big_endian: word(order).as_deref() == Some(">"), ..*dtype }))
        }
        (Node::Dtype(_), _) => Err(PickleFault::Array { said: "whose elements have parts".to_owned() }),
        (Node::Blank, [_, shape, Node::Dtype(dtype), fortran, content]) => {
            let shape = axes(nodes, shape, at)?;
            let is_fortran = matches!(fortran, Node::Bool(true) | Node::Int(1));
            let order = if is_fortran { Order::Fortran } else { Order::C };
            match content {
                Node::Bytes(data) if dtype.kind != Kind::Object => array(*dtype, shape, &order, data.clone()),
                Node::List(items) if dtype.kind == Kind::Object && shape == [items.len()] => {
                    Ok(Node::List(items.clone()))
                }
                _ => Err(PickleFault::Array { said: format!("of Python objects in the shape {shape:?}") }),
            }
        }
        _ => Err(broken("it gives a state to what takes none")),
    }
}

fn array(dtype: Dtype, shape: Vec<usize>, order: &Order, data: Data) -> Result<Node, PickleFault> {
    Ok(Node::Array(Box::new(Array::new(dtype, shape, order, data)?)))
}

/// Lengths of axes; of more than an array may have one more is read, which is refused.
fn axes(nodes: &[Node], shape: &Node, at: u64) -> Result<Vec<usize>, PickleFault> {
    let broken = || PickleFault::Broken { at, said: "a shape that is none" };
    let Node::Tuple(axes) = shape else { return Err(broken()) };
    let axis = |id: &Id| match &nodes[*id] {
        Node::Int(length) => usize::try_from(*length).ok(),
        _ => None,
    };
    axes.iter().take(MOST_AXES + 1).map(axis).collect::<Option<_>>().ok_or_else(broken)
}

fn is_latin(code: &Node) -> bool {
    matches!(word(code).as_deref(), Some("latin1" | "latin-1" | "iso-8859-1"))
}

/// Text as bytes, a byte a letter.
fn latin(text: &Data, at: u64) -> Result<Data, PickleFault> {
    let broken = || PickleFault::Broken { at, said: "text that stands for no bytes" };
    match text {
        Data::Held(text) => {
            let letters = std::str::from_utf8(text).map_err(|_| broken())?.chars();
            let bytes: Option<Vec<u8>> = letters.map(|letter| u8::try_from(u32::from(letter)).ok()).collect();
            Ok(Data::Held(bytes.ok_or_else(broken)?.into()))
        }
        // Written as text, read as bytes: the encoding of the stretch already says how.
        Data::InFile(Extent { encoding: Encoding::Utf8 | Encoding::RawUnicode, .. }) => Ok(text.clone()),
        Data::InFile(_) => Err(broken()),
    }
}

/// A short word; Python 2 has them as bytes.
pub(super) fn word(node: &Node) -> Option<String> {
    match node {
        Node::Text(Data::Held(word)) | Node::Bytes(Data::Held(word)) => String::from_utf8(word.to_vec()).ok(),
        _ => None,
    }
}
