//! ONNX's protocol buffers as a tree that can be changed and written again.

/// What a message is, as far as it is looked into.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Model,
    Opset,
    Graph,
    Node,
    Attribute,
    Tensor,
    Info,
    Type,
    TensorType,
    Shape,
    Dim,
    Entry,
}

impl Kind {
    /// What a field of this message holds, where that is a message too.
    fn inner(self, field: u64) -> Option<Kind> {
        Some(match (self, field) {
            (Kind::Model, 7) => Kind::Graph,
            (Kind::Model, 8) => Kind::Opset,
            (Kind::Graph, 1) => Kind::Node,
            (Kind::Graph, 5) => Kind::Tensor,
            (Kind::Graph, 11..=13) => Kind::Info,
            (Kind::Node, 5) => Kind::Attribute,
            (Kind::Node, 9) | (Kind::Tensor, 13) => Kind::Entry,
            (Kind::Attribute, 5) => Kind::Tensor,
            (Kind::Info, 2) => Kind::Type,
            (Kind::Type, 1) => Kind::TensorType,
            (Kind::TensorType, 2) => Kind::Shape,
            (Kind::Shape, 1) => Kind::Dim,
            _ => return None,
        })
    }
}

#[derive(Clone)]
pub struct Message {
    pub kind: Kind,
    pub fields: Vec<(u64, Value)>,
}

#[derive(Clone)]
pub enum Value {
    Varint(u64),
    Eight([u8; 8]),
    Four([u8; 4]),
    Bytes(Vec<u8>),
    Message(Message),
}

impl Message {
    pub fn new(kind: Kind) -> Message {
        Message { kind, fields: Vec::new() }
    }

    pub fn parse(kind: Kind, mut bytes: &[u8]) -> Option<Message> {
        let mut message = Message::new(kind);
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            let value = match key & 7 {
                0 => Value::Varint(varint(&mut bytes)?),
                1 => Value::Eight(*take(&mut bytes, 8)?.first_chunk()?),
                5 => Value::Four(*take(&mut bytes, 4)?.first_chunk()?),
                2 => {
                    let length = usize::try_from(varint(&mut bytes)?).ok()?;
                    let content = take(&mut bytes, length)?;
                    let inner = kind.inner(key >> 3).and_then(|kind| Message::parse(kind, content));
                    inner.map_or_else(|| Value::Bytes(content.to_vec()), Value::Message)
                }
                _ => return None,
            };
            message.fields.push((key >> 3, value));
        }
        Some(message)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (field, value) in &self.fields {
            let mut key = |wire| write_varint(&mut bytes, field << 3 | wire);
            match value {
                Value::Varint(number) => {
                    key(0);
                    write_varint(&mut bytes, *number);
                }
                Value::Eight(eight) => {
                    key(1);
                    bytes.extend(eight);
                }
                Value::Four(four) => {
                    key(5);
                    bytes.extend(four);
                }
                Value::Bytes(content) => {
                    key(2);
                    write_varint(&mut bytes, content.len() as u64);
                    bytes.extend(content);
                }
                Value::Message(message) => {
                    key(2);
                    let content = message.bytes();
                    write_varint(&mut bytes, content.len() as u64);
                    bytes.extend(content);
                }
            }
        }
        bytes
    }

    pub fn int(mut self, field: u64, value: i64) -> Message {
        self.fields.push((field, Value::Varint(value as u64)));
        self
    }

    pub fn float(mut self, field: u64, value: f32) -> Message {
        self.fields.push((field, Value::Four(value.to_le_bytes())));
        self
    }

    pub fn data(mut self, field: u64, value: impl Into<Vec<u8>>) -> Message {
        self.fields.push((field, Value::Bytes(value.into())));
        self
    }

    pub fn message(mut self, field: u64, message: Message) -> Message {
        self.fields.push((field, Value::Message(message)));
        self
    }

    /// This message and all below, each before those in it.
    pub fn each(&mut self, visit: &mut dyn FnMut(&mut Message)) {
        visit(self);
        for (_, value) in &mut self.fields {
            if let Value::Message(inner) = value {
                inner.each(visit);
            }
        }
    }

    /// How many messages there are of a kind, or of any.
    pub fn count(&mut self, kind: Option<Kind>) -> usize {
        let mut count = 0;
        self.each(&mut |message| {
            count += usize::from(kind.is_none_or(|kind| message.kind == kind))
        });
        count
    }

    /// Changes one of them.
    pub fn change(&mut self, kind: Option<Kind>, index: usize, change: impl FnOnce(&mut Message)) {
        let (mut at, mut change) = (0, Some(change));
        self.each(&mut |message| {
            if kind.is_none_or(|kind| message.kind == kind) {
                if at == index
                    && let Some(change) = change.take()
                {
                    change(message);
                }
                at += 1;
            }
        });
    }

    /// The texts of a field of all messages of a kind: of nodes' inputs, say.
    pub fn texts(&mut self, kind: Kind, field: u64) -> Vec<Vec<u8>> {
        let mut texts = Vec::new();
        self.each(&mut |message| {
            for (number, value) in &message.fields {
                if let (true, Value::Bytes(text)) =
                    ((message.kind, *number) == (kind, field), value)
                {
                    texts.push(text.clone());
                }
            }
        });
        texts
    }
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn write_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
