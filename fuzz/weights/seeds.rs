//! Checkpoints as PyTorch writes them, and such as are made to hurt.

use std::io::{Cursor, Write};

use zip::write::{FileOptions, ZipWriter};

use super::first_year;
use super::pickle::{Op, int, op, text, write};

/// The parameters of the network that is loaded: name and shape.
pub const PARAMETERS: [(&str, &[i64]); 9] = [
    ("conv.weight", &[2, 1, 3, 3]),
    ("conv.bias", &[2]),
    ("bn.weight", &[2]),
    ("bn.bias", &[2]),
    ("bn.running_mean", &[2]),
    ("bn.running_var", &[2]),
    ("bn.num_batches_tracked", &[]),
    ("fc.weight", &[3, 2]),
    ("fc.bias", &[3]),
];

pub fn tuple(items: impl IntoIterator<Item = Vec<Op>>) -> Vec<Op> {
    let mut ops = vec![op(b'(', [])];
    ops.extend(items.into_iter().flatten());
    ops.push(op(b't', []));
    ops
}

fn ints(values: &[i64]) -> Vec<Op> {
    tuple(values.iter().map(|&value| vec![int(value)]))
}

pub fn callable(name: &str) -> Op {
    op(b'c', name.as_bytes())
}

/// A reference to a storage.
fn storage(kind: &str, key: &str, count: i64) -> Vec<Op> {
    let kind = callable(&format!("torch\n{kind}\n"));
    let mut ops = tuple([
        vec![text("storage")],
        vec![kind],
        vec![text(key)],
        vec![text("cpu")],
        vec![int(count)],
    ]);
    ops.push(op(b'Q', []));
    ops
}

/// A tensor as `torch._utils._rebuild_tensor_v2` makes it.
fn tensor(storage: Vec<Op>, offset: i64, size: Vec<Op>, stride: Vec<Op>) -> Vec<Op> {
    let mut ops = vec![callable("torch._utils\n_rebuild_tensor_v2\n")];
    let hooks = vec![callable("collections\nOrderedDict\n"), op(b')', []), op(b'R', [])];
    ops.extend(tuple([storage, vec![int(offset)], size, stride, vec![op(0x89, [])], hooks]));
    ops.push(op(b'R', []));
    ops
}

pub fn strides(shape: &[i64]) -> Vec<i64> {
    (0..shape.len()).map(|at| shape[at + 1..].iter().product()).collect()
}

/// A dictionary, as a pickle.
pub fn dictionary(entries: impl IntoIterator<Item = (String, Vec<Op>)>) -> Vec<Op> {
    let mut ops = vec![op(b'}', []), op(b'q', [0]), op(b'(', [])];
    ops.extend(
        entries.into_iter().flat_map(|(name, value)| std::iter::once(text(&name)).chain(value)),
    );
    ops.push(op(b'u', []));
    ops
}

pub fn pickle(value: Vec<Op>) -> Vec<u8> {
    write(&[vec![op(0x80, [2])], value, vec![op(b'.', [])]].concat())
}

fn state_dict(prefix: &str) -> Vec<Op> {
    dictionary(PARAMETERS.iter().enumerate().map(|(key, (name, shape))| {
        let storage = storage("FloatStorage", &key.to_string(), shape.iter().product());
        (format!("{prefix}{name}"), tensor(storage, 0, ints(shape), ints(&strides(shape))))
    }))
}

pub fn numbers(count: i64) -> Vec<u8> {
    (0..count).flat_map(|at| (0.1 * at as f32).to_le_bytes()).collect()
}

fn storages() -> Vec<(String, Vec<u8>)> {
    let storages = PARAMETERS.iter().enumerate();
    storages
        .map(|(key, (_, shape))| (format!("w/data/{key}"), numbers(shape.iter().product())))
        .collect()
}

/// A zip archive whose files are stored as they are.
pub fn archive(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = FileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in entries {
        // Names that the format can't hold are left out.
        if archive.start_file(name.as_str(), stored).is_ok() {
            let _ = archive.write_all(content);
        }
    }
    archive.finish().map(Cursor::into_inner).unwrap_or_default()
}

fn zipped(state_dict: Vec<Op>, storages: Vec<(String, Vec<u8>)>) -> Vec<u8> {
    let head =
        [("w/data.pkl".to_owned(), pickle(state_dict)), ("w/version".to_owned(), b"3\n".to_vec())];
    archive(&[head.to_vec(), storages].concat())
}

/// As PyTorch wrote until 1.5: five pickles and the storages.
fn legacy(state_dict: Vec<Op>) -> Vec<u8> {
    let magic = [&[10][..], &0x1950_a86a_20f9_469c_fc6c_u128.to_le_bytes()[..10]].concat();
    let system = dictionary([("little_endian".to_owned(), vec![op(0x88, [])])]);
    let mut keys = vec![op(b']', []), op(b'(', [])];
    keys.extend((0..PARAMETERS.len()).map(|key| text(&key.to_string())));
    keys.push(op(b'e', []));
    let mut file = pickle(vec![op(0x8a, magic)]);
    for part in [vec![int(1001)], system, state_dict, keys] {
        file.extend(pickle(part));
    }
    for (_, shape) in PARAMETERS {
        let count: i64 = shape.iter().product();
        file.extend(count.to_le_bytes());
        file.extend(numbers(count));
    }
    file
}

fn safetensors() -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape) in PARAMETERS {
        let bytes = numbers(shape.iter().product());
        let offsets = [data.len(), data.len() + bytes.len()];
        let entry = serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": offsets});
        header.insert(name.to_owned(), entry);
        data.extend(bytes);
    }
    header.insert("__metadata__".to_owned(), serde_json::json!({"format": "pt"}));
    with_header(&serde_json::Value::Object(header).to_string(), &data)
}

/// A file of safetensors.
pub fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

pub fn sound() -> Vec<Vec<u8>> {
    let checkpoint = dictionary([
        ("epoch".to_owned(), vec![int(3)]),
        ("best".to_owned(), vec![op(b'G', 0.5f64.to_be_bytes())]),
        ("state_dict".to_owned(), state_dict("module.")),
    ]);
    vec![
        zipped(state_dict(""), storages()),
        zipped(checkpoint.clone(), storages()),
        zipped(module(), storages()),
        legacy(state_dict("")),
        legacy(checkpoint),
        pickle(arrays()),
        first_year::tar(),
        safetensors(),
    ]
}

fn object(class: &str, state: Vec<Op>) -> Vec<Op> {
    [vec![callable(class), op(b')', []), op(0x81, [])], state, vec![op(b'b', [])]].concat()
}

/// A whole model: modules in one another.
fn module() -> Vec<Op> {
    let parts = ["conv", "bn", "fc"].map(|part| {
        let own = PARAMETERS.iter().enumerate().filter_map(|(key, (name, _))| {
            let (of, name) = name.split_once('.')?;
            (of == part).then_some((key, name))
        });
        let own = own.map(|(key, name)| {
            let shape = PARAMETERS[key].1;
            let storage = storage("FloatStorage", &key.to_string(), shape.iter().product());
            (name.to_owned(), tensor(storage, 0, ints(shape), ints(&strides(shape))))
        });
        let state = dictionary([("_parameters".to_owned(), dictionary(own))]);
        (part.to_owned(), object("torch.nn\nModule\n", state))
    });
    object("mine\nNet\n", dictionary([("_modules".to_owned(), dictionary(parts))]))
}

/// NumPy's arrays, whose bytes lie in the pickle.
fn arrays() -> Vec<Op> {
    dictionary(PARAMETERS.map(|(name, shape)| {
        let element = [
            vec![callable("numpy\ndtype\n")],
            tuple([vec![text("f4")], vec![op(0x89, [])], vec![op(0x88, [])]]),
            vec![op(b'R', [])],
            tuple([vec![int(3)], vec![text("<")]]),
            vec![op(b'b', [])],
        ];
        let bytes = numbers(shape.iter().product());
        let bytes = op(b'C', [&[bytes.len() as u8][..], &bytes].concat());
        let state = [vec![int(1)], ints(shape), element.concat(), vec![op(0x89, [])], vec![bytes]];
        let array = [
            vec![callable("numpy.core.multiarray\n_reconstruct\n"), op(b')', []), op(b'R', [])],
            tuple(state),
            vec![op(b'b', [])],
        ];
        (name.to_owned(), array.concat())
    }))
}

/// Dictionaries that lie in one another in very many ways, and a module within itself.
fn tangles() -> [Vec<u8>; 3] {
    let key = |name: &str| vec![text(name)];
    // Each holds the one before twice: a million ways to the first.
    let mut doubled = tensor(storage("FloatStorage", "0", 4), 0, ints(&[4]), ints(&[1]));
    for level in 0..30_u8 {
        let twice = [key("a"), vec![op(b'h', [level])], key("b"), vec![op(b'h', [level])]].concat();
        doubled.extend([op(b'q', [level]), op(b'}', []), op(b'(', [])]);
        doubled.extend(twice);
        doubled.push(op(b'u', []));
    }
    let itself =
        [vec![op(b'}', []), op(b'q', [0])], key("_modules"), vec![op(b'h', [0]), op(b's', [])]];
    // The same pairs again and again: each call would copy them.
    let pairs = [ints(&[1, 1]), vec![op(b'q', [1])]].concat();
    let pairs =
        [pairs, vec![op(b']', []), op(b'q', [2]), op(b'(', [])], vec![op(b'h', [1]); 50_000]];
    let calls = [callable("collections\nOrderedDict\n"), op(b'h', [2]), op(0x85, []), op(b'R', [])];
    let calls = std::iter::repeat_n(calls, 50_000).flatten().collect();
    let copied = [pairs.concat(), vec![op(b'e', [])], calls].concat();
    [doubled, itself.concat(), copied].map(|ops| zipped(ops, Vec::new()))
}

/// Each takes little to write and much to read, or says what can't be.
pub fn hostile() -> Vec<Vec<u8>> {
    let one = || storage("FloatStorage", "0", 4);
    let single = |tensor: Vec<Op>| {
        zipped(dictionary([("w".to_owned(), tensor)]), vec![("w/data/0".to_owned(), numbers(4))])
    };
    let mut files: Vec<Vec<u8>> = [i64::MIN, -1, i64::MAX, 1 << 62]
        .into_iter()
        .flat_map(|edge| {
            [
                single(tensor(one(), 0, ints(&[edge]), ints(&[1]))),
                single(tensor(one(), 0, ints(&[2]), ints(&[edge]))),
                single(tensor(one(), edge, ints(&[2]), ints(&[1]))),
                single(tensor(storage("FloatStorage", "0", edge), 0, ints(&[2]), ints(&[1]))),
            ]
        })
        .collect();
    // Products and sums beyond 128 bits.
    files.push(single(tensor(one(), 0, ints(&[4; 200]), ints(&[4; 200]))));
    files.push(single(tensor(one(), 0, ints(&[1; 65]), ints(&[1; 65]))));
    files.push(remembered(vec![text(&"n".repeat(200_000))], 100_000, &[]));
    files.push(remembered(ints(&[1; 50_000]), 20_000, &[op(b'0', [])]));
    files.push(shared_sizes());
    files.extend(tangles());
    // A number repeated far beyond the file, in a row and in columns.
    let repeated = |count| single(tensor(one(), 0, ints(&[4; 2]), ints(&[0, count])));
    files.extend([repeated(0), repeated(4)]);
    files.push(single(tensor(one(), 0, ints(&[1 << 31; 4]), ints(&[0; 4]))));
    files.push(zipped(many_names(), vec![("w/data/0".to_owned(), numbers(4))]));
    // A million open marks, tuples and lists.
    for code in [b'(', b')', b']', b'}'] {
        files.push(zipped(vec![op(code, []); 1 << 20], Vec::new()));
    }
    files.push(with_header(&"[".repeat(200_000), &[]));
    files.push(with_header(
        r#"{"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#,
        &[],
    ));
    files
}

/// A value that is remembered once and recalled many times.
fn remembered(value: Vec<Op>, times: usize, after: &[Op]) -> Vec<u8> {
    let recall = [&[op(b'h', [1])][..], after].concat();
    let mut ops = [value, vec![op(b'q', [1])]].concat();
    ops.extend(std::iter::repeat_n(recall, times).flatten());
    ops.push(op(b'}', []));
    zipped(ops, Vec::new())
}

/// Many tensors that share one long list of sizes.
fn shared_sizes() -> Vec<u8> {
    let list = [ints(&[1; 50_000]), vec![op(b'q', [1])]].concat();
    let storage = [storage("FloatStorage", "0", 4), vec![op(b'q', [2])]].concat();
    let recalled = |slot| vec![op(b'h', [slot])];
    let tensors = (0..5_000)
        .map(|index| (format!("{index}"), tensor(recalled(2), 0, recalled(1), recalled(1))));
    zipped([list, storage, dictionary(tensors)].concat(), vec![("w/data/0".to_owned(), numbers(4))])
}

/// Long names of many tensors, which fit nothing.
fn many_names() -> Vec<Op> {
    let first = [storage("FloatStorage", "0", 4), vec![op(b'q', [2])]].concat();
    let one = || tensor(vec![op(b'h', [2])], 0, ints(&[4]), ints(&[1]));
    let entries = (0..5_000).map(|index| (format!("{index}{}", "long".repeat(20)), one()));
    [first, dictionary(entries)].concat()
}
