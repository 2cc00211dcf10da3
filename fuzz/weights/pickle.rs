//! Pickles as rows of operations that can be changed and written again.

use crate::random::Random;

/// An operation with the bytes of its argument.
#[derive(Clone, PartialEq)]
pub struct Op {
    pub code: u8,
    pub argument: Vec<u8>,
}

/// How long an operation's argument is.
fn length(code: u8, rest: &[u8]) -> Option<usize> {
    let counted = |width: usize| {
        let mut bytes = [0; 8];
        bytes[..width].copy_from_slice(rest.get(..width)?);
        usize::try_from(u64::from_le_bytes(bytes)).ok()?.checked_add(width)
    };
    let line = || rest.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
    match code {
        0x80 | b'K' | b'q' | b'h' | 0x82 => Some(1),
        b'M' | 0x83 => Some(2),
        b'J' | b'r' | b'j' | 0x84 => Some(4),
        b'G' | 0x95 => Some(8),
        b'X' | b'B' | b'T' | 0x8b => counted(4),
        0x8a | 0x8c | b'C' | b'U' => counted(1),
        0x8d | 0x8e | 0x96 => counted(8),
        b'c' | b'i' => {
            let first = line()?;
            Some(first + rest[first..].iter().position(|&byte| byte == b'\n')? + 1)
        }
        b'I' | b'L' | b'F' | b'S' | b'V' | b'P' | b'p' | b'g' => line(),
        _ => Some(0),
    }
}

/// The operations of one pickle, and what follows it.
pub fn parse(mut bytes: &[u8]) -> (Vec<Op>, &[u8]) {
    let mut ops = Vec::new();
    while let Some((&code, rest)) = bytes.split_first() {
        let length = length(code, rest).unwrap_or(rest.len()).min(rest.len());
        let (argument, rest) = rest.split_at(length);
        ops.push(Op { code, argument: argument.to_vec() });
        bytes = rest;
        if code == b'.' {
            break;
        }
    }
    (ops, bytes)
}

pub fn write(ops: &[Op]) -> Vec<u8> {
    ops.iter().flat_map(|op| std::iter::once(op.code).chain(op.argument.iter().copied())).collect()
}

/// An operation without what it works on.
pub fn op(code: u8, argument: impl Into<Vec<u8>>) -> Op {
    Op { code, argument: argument.into() }
}

pub fn int(value: i64) -> Op {
    let bytes = value.to_le_bytes();
    match value {
        0..=0xff => op(b'K', &bytes[..1]),
        0x100..=0xffff => op(b'M', &bytes[..2]),
        _ if i32::try_from(value).is_ok() => op(b'J', &bytes[..4]),
        _ => op(0x8a, [&[8][..], &bytes].concat()),
    }
}

pub fn text(text: &str) -> Op {
    op(b'X', [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat())
}

/// What the reader knows, and some that it does not.
const CODES: [u8; 41] = [
    b'.', b'(', b'N', 0x88, 0x89, b'}', b']', b')', b't', 0x85, 0x86, 0x87, b'Q', b'R', b'b', b's',
    b'u', b'e', b'a', b'0', b'1', b'2', b'd', b'l', 0x81, 0x90, 0x91, 0x94, 0x92, b'o', b'i', 0x93,
    0x96, 0x97, 0x98, 0xff, 0x8f, b'l', b'P', 0x82, 0x8e,
];
const CALLABLES: [&str; 24] = [
    "collections\nOrderedDict\n",
    "collections\ndefaultdict\n",
    "torch._utils\n_rebuild_tensor\n",
    "torch._utils\n_rebuild_tensor_v2\n",
    "torch._utils\n_rebuild_tensor_v3\n",
    "torch._utils\n_rebuild_parameter\n",
    "torch._utils\n_rebuild_qtensor\n",
    "torch._utils\n_rebuild_device_tensor_from_numpy\n",
    "torch._tensor\n_rebuild_from_type_v2\n",
    "torch.nn.parameter\nParameter\n",
    "torch\nFloatTensor\n",
    "torch\nFloatStorage\n",
    "torch\nLongStorage\n",
    "torch\nBoolStorage\n",
    "torch\nComplexFloatStorage\n",
    "torch.storage\nUntypedStorage\n",
    "torch\nfloat32\n",
    "builtins\neval\n",
    "numpy.core.multiarray\nscalar\n",
    "numpy.core.multiarray\n_reconstruct\n",
    "numpy.core.numeric\n_frombuffer\n",
    "numpy\ndtype\n",
    "_codecs\nencode\n",
    "copyreg\n_reconstructor\n",
];
/// Names that a reader looks for.
const NAMES: [&str; 16] = [
    "_parameters",
    "_buffers",
    "_modules",
    "state_dict",
    "model",
    "module.conv.weight",
    "conv.weight",
    "fc",
    "storage",
    "module",
    "latin1",
    "f4",
    ">",
    "f8",
    "little_endian",
    "cpu",
];

/// Changes one thing.
pub fn mutate(ops: &mut Vec<Op>, random: &mut Random) {
    if ops.is_empty() {
        return;
    }
    let at = random.below(ops.len());
    match random.below(10) {
        0 => drop(ops.remove(at)),
        1 => {
            let part = ops[at..(at + 1 + random.below(12)).min(ops.len())].to_vec();
            let times = if random.once_in(10) { random.scale(10) } else { 1 };
            let many = std::iter::repeat_n(part, times).flatten();
            ops.splice(at..at, many);
        }
        2 => {
            let other = random.below(ops.len());
            ops.swap(at, other);
        }
        3 => ops.insert(at, op(*random.pick(&CODES), [])),
        4 => {
            let slot = random.below(40) as u8;
            ops.insert(at, op(*random.pick(b"qh"), [slot]));
        }
        5 => ops.insert(at, int(random.number(4))),
        6 => {
            let callables: Vec<usize> = (0..ops.len()).filter(|&at| ops[at].code == b'c').collect();
            if !callables.is_empty() {
                ops[*random.pick(&callables)].argument =
                    random.pick(&CALLABLES).as_bytes().to_vec();
            }
        }
        7 => {
            let other = ops[random.below(ops.len())].clone();
            ops[at] = other;
        }
        // The numbers and texts are what a file says of its tensors.
        _ => {
            let arguments: Vec<usize> =
                (0..ops.len()).filter(|&at| b"KMJX\x8a".contains(&ops[at].code)).collect();
            if arguments.is_empty() {
                return;
            }
            let at = *random.pick(&arguments);
            ops[at] = match ops[at].code {
                b'X' if random.once_in(2) => text(NAMES[random.below(NAMES.len())]),
                b'X' => text(&String::from_utf8_lossy(&random.text())),
                _ => int(random.number(i64::from(*ops[at].argument.first().unwrap_or(&0)))),
            };
        }
    }
}
