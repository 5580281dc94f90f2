//! Event files that TensorBoard reads: scalars as TFRecords of `Event` protocol buffers.
//!
//! Two public formats, written from their descriptions: a TFRecord is `length u64 | masked CRC-32C of it u32 | bytes |
//! masked CRC-32C of them u32`, all little-endian (tensorflow.org, "TFRecord and tf.train.Example"); an `Event` is
//! `{ 1: wall_time double, 2: step int64, 3: file_version string, 5: summary { 1: value { 1: tag, 2: simple_value } } }`
//! (tensorboard's `event.proto` and `summary.proto`).

/// File name of the events inside a run's folder; TensorBoard looks for `tfevents` in it.
pub const EVENTS_FILE: &str = "events.out.tfevents.hico";

/// The record that opens every event file.
///
/// - `wall_time`: seconds since 1970
#[must_use]
pub fn header(wall_time: f64) -> Vec<u8> {
    let mut event = Vec::new();
    put_double(&mut event, 1, wall_time);
    put_bytes(&mut event, 3, b"brain.Event:2");
    record(&event)
}

/// One record with the scalars of one step.
///
/// - `wall_time`: seconds since 1970
/// - `scalars`: tag (`loss/total`) and value
#[must_use]
pub fn scalars<T: AsRef<str>>(wall_time: f64, step: u64, scalars: impl IntoIterator<Item = (T, f64)>) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, value) in scalars {
        let mut entry = Vec::new();
        put_bytes(&mut entry, 1, tag.as_ref().as_bytes());
        put_float(&mut entry, 2, value as f32);
        put_bytes(&mut summary, 1, &entry);
    }
    let mut event = Vec::new();
    put_double(&mut event, 1, wall_time);
    put_varint(&mut event, 2 << 3);
    put_varint(&mut event, step);
    put_bytes(&mut event, 5, &summary);
    record(&event)
}

/// A TFRecord around `data`.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut bytes = Vec::with_capacity(data.len() + 16);
    bytes.extend(length);
    bytes.extend(masked_crc(&length).to_le_bytes());
    bytes.extend(data);
    bytes.extend(masked_crc(data).to_le_bytes());
    bytes
}

/// A CRC-32C turned and shifted, so that a checksum of data that hold checksums stays a good one.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn put_double(bytes: &mut Vec<u8>, field: u64, value: f64) {
    put_varint(bytes, field << 3 | 1);
    bytes.extend(value.to_le_bytes());
}

fn put_float(bytes: &mut Vec<u8>, field: u64, value: f32) {
    put_varint(bytes, field << 3 | 5);
    bytes.extend(value.to_le_bytes());
}

fn put_bytes(bytes: &mut Vec<u8>, field: u64, value: &[u8]) {
    put_varint(bytes, field << 3 | 2);
    put_varint(bytes, value.len() as u64);
    bytes.extend(value);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What one event says.
    #[derive(Debug, PartialEq, Default)]
    pub(crate) struct Event {
        pub(crate) step: u64,
        pub(crate) version: Option<String>,
        pub(crate) scalars: Vec<(String, f32)>,
    }

    /// Reads an event file back, checking both checksums of every record.
    pub(crate) fn parse(mut bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        while !bytes.is_empty() {
            let (length, rest) = bytes.split_at(8);
            let (length_crc, rest) = rest.split_at(4);
            assert_eq!(masked_crc(length).to_le_bytes(), length_crc);
            let (data, rest) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
            let (data_crc, rest) = rest.split_at(4);
            assert_eq!(masked_crc(data).to_le_bytes(), data_crc);
            events.push(event(data));
            bytes = rest;
        }
        events
    }

    enum Value<'a> {
        Varint(u64),
        Fixed(&'a [u8]),
        Bytes(&'a [u8]),
    }

    fn fields(mut bytes: &[u8]) -> Vec<(u64, Value<'_>)> {
        let varint = |bytes: &mut &[u8]| {
            let mut value = 0;
            for shift in (0..64).step_by(7) {
                let (first, rest) = bytes.split_first().unwrap();
                *bytes = rest;
                value |= u64::from(first & 0x7f) << shift;
                if first & 0x80 == 0 {
                    break;
                }
            }
            value
        };
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let value = match key & 7 {
                0 => Value::Varint(varint(&mut bytes)),
                kind => {
                    let length = match kind {
                        1 => 8,
                        2 => varint(&mut bytes) as usize,
                        5 => 4,
                        other => panic!("wire type {other}"),
                    };
                    let (value, rest) = bytes.split_at(length);
                    bytes = rest;
                    if kind == 2 { Value::Bytes(value) } else { Value::Fixed(value) }
                }
            };
            fields.push((key >> 3, value));
        }
        fields
    }

    fn event(bytes: &[u8]) -> Event {
        let mut event = Event::default();
        for field in fields(bytes) {
            match field {
                (1, Value::Fixed(time)) => assert_eq!(time.len(), 8),
                (2, Value::Varint(step)) => event.step = step,
                (3, Value::Bytes(version)) => event.version = Some(String::from_utf8(version.to_vec()).unwrap()),
                (5, Value::Bytes(summary)) => {
                    for (field, value) in fields(summary) {
                        let Value::Bytes(value) = value else { panic!("field {field} of a summary") };
                        event.scalars.push(scalar(value));
                    }
                }
                (field, _) => panic!("field {field}"),
            }
        }
        event
    }

    fn scalar(bytes: &[u8]) -> (String, f32) {
        let (mut tag, mut scalar) = (None, None);
        for field in fields(bytes) {
            match field {
                (1, Value::Bytes(value)) => tag = Some(String::from_utf8(value.to_vec()).unwrap()),
                (2, Value::Fixed(value)) => scalar = Some(f32::from_le_bytes(value.try_into().unwrap())),
                (field, _) => panic!("field {field} of a value"),
            }
        }
        (tag.unwrap(), scalar.unwrap())
    }

    #[test]
    fn the_masked_checksum_is_the_published_one() {
        // CRC-32C of "123456789" is e3069283 (RFC 3720 appendix B.4 gives the polynomial); masked by hand.
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(masked_crc(b"123456789"), 0xc78a_b0e5);
    }

    #[test]
    fn a_file_starts_with_its_version() {
        let bytes = header(1.5);
        assert_eq!(parse(&bytes), [Event { version: Some("brain.Event:2".into()), ..Event::default() }]);
    }

    #[test]
    fn scalars_read_back_as_they_were_written() {
        let mut bytes = header(1.0);
        bytes.extend(scalars(2.0, 0, [("loss/total", 3.25), ("learning_rate", 1e-4)]));
        bytes.extend(scalars(3.0, 300, [("loss/total", -0.5)]));
        let events = parse(&bytes);
        assert_eq!(events.len(), 3);
        assert_eq!(events[1].scalars, [("loss/total".into(), 3.25), ("learning_rate".into(), 1e-4)]);
        assert_eq!((events[2].step, &events[2].scalars[..]), (300, &[("loss/total".into(), -0.5)][..]));
    }
}
