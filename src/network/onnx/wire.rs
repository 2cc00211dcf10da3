//! The wire format of protocol buffers, as far as ONNX uses it: a message is a row of numbered
//! fields. Nothing is copied, and nothing here calls itself, whatever the file says.

/// One field's value.
#[derive(Clone, Copy)]
pub(super) enum Field<'a> {
    /// An integer, a boolean or an enumeration.
    Varint(u64),
    /// A float64.
    Eight([u8; 8]),
    /// Text, bytes, a message, or many numbers packed together.
    Bytes(&'a [u8]),
    /// A float32.
    Four([u8; 4]),
}

/// The fields of a message, in the order of the file.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Fields { rest: message }
    }

    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let key = varint(&mut self.rest)?;
        let value = match key & 7 {
            0 => Field::Varint(varint(&mut self.rest)?),
            1 => Field::Eight(*self.rest.split_first_chunk().map(|(head, rest)| {
                self.rest = rest;
                head
            })?),
            2 => {
                let length = usize::try_from(varint(&mut self.rest)?).ok()?;
                let (head, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                Field::Bytes(head)
            }
            5 => Field::Four(*self.rest.split_first_chunk().map(|(head, rest)| {
                self.rest = rest;
                head
            })?),
            _ => return None,
        };
        Some((key >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
        }
        Some(field.ok_or_else(|| "it is truncated, or not an ONNX file at all".to_owned()))
    }
}

impl<'a> Field<'a> {
    pub(super) fn integer(self) -> i64 {
        match self {
            Field::Varint(value) => value as i64,
            _ => 0,
        }
    }

    pub(super) fn float(self) -> f32 {
        match self {
            Field::Four(bytes) => f32::from_le_bytes(bytes),
            _ => 0.0,
        }
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        match self {
            Field::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    pub(super) fn text(self) -> Result<&'a str, String> {
        std::str::from_utf8(self.bytes()).map_err(|_| "a name in it is not UTF-8".to_owned())
    }

    /// Adds integers, which a writer may give one by one or packed.
    pub(super) fn integers(self, to: &mut Vec<i64>) -> Result<(), String> {
        match self {
            Field::Bytes(mut packed) => {
                while !packed.is_empty() {
                    to.push(varint(&mut packed).ok_or("packed numbers are truncated")? as i64);
                }
            }
            one => to.push(one.integer()),
        }
        Ok(())
    }

    /// Adds float32s, one by one or packed.
    pub(super) fn floats(self, to: &mut Vec<f32>) {
        match self {
            Field::Bytes(packed) => {
                let (chunks, _) = packed.as_chunks();
                to.extend(chunks.iter().copied().map(f32::from_le_bytes));
            }
            one => to.push(one.float()),
        }
    }

    /// Adds float64s, one by one or packed.
    pub(super) fn doubles(self, to: &mut Vec<f64>) {
        match self {
            Field::Bytes(packed) => {
                let (chunks, _) = packed.as_chunks();
                to.extend(chunks.iter().copied().map(f64::from_le_bytes));
            }
            Field::Eight(bytes) => to.push(f64::from_le_bytes(bytes)),
            _ => {}
        }
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_as_the_specification_shows_them() {
        // Field 1 = 150, field 2 = "testing": the examples of protobuf's documentation.
        let message = [&[0x08, 0x96, 0x01, 0x12, 0x07][..], b"testing"].concat();
        let fields: Result<Vec<_>, _> = Fields::of(&message).collect();
        let fields = fields.expect("a sound message");
        assert_eq!((fields[0].0, fields[0].1.integer()), (1, 150));
        assert_eq!((fields[1].0, fields[1].1.text()), (2, Ok("testing")));
        for end in [1, 2, 4, 5, 11] {
            assert!(Fields::of(&message[..end]).any(|field| field.is_err()), "{end} bytes");
        }
    }

    #[test]
    fn numbers_packed_or_one_by_one() {
        let mut integers = Vec::new();
        Field::Bytes(&[0x03, 0x8e, 0x02]).integers(&mut integers).expect("packed");
        Field::Varint(u64::MAX).integers(&mut integers).expect("one");
        assert_eq!(integers, [3, 270, -1]);
        assert!(Field::Bytes(&[0x8e]).integers(&mut integers).is_err());
        // More than ten bytes are no number.
        assert!(varint(&mut &[0xff; 11][..]).is_none());
    }
}
