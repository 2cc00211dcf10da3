//! Pickles written here byte by byte: what PyTorch and Python wrote in their time, and what harms.

use std::fs;
use std::path::PathBuf;

use convscope::prelude::*;

use crate::helpers::{Tested, difference, scratch};
use crate::weights::small;

/// The network's parameters, in order; each number is its place in the row of all.
const SHAPES: [(&str, &[i64]); 4] = [
    ("conv.weight", &[2, 1, 3, 3]),
    ("conv.bias", &[2]),
    ("fc.weight", &[3, 2]),
    ("fc.bias", &[3]),
];

fn text(text: &str) -> Vec<u8> {
    [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn ints(values: &[i64]) -> Vec<u8> {
    let values = values.iter().map(|&value| [&b"J"[..], &(value as i32).to_le_bytes()].concat());
    [&b"("[..], &values.collect::<Vec<_>>().concat(), b"t"].concat()
}

fn strides(shape: &[i64]) -> Vec<i64> {
    (0..shape.len()).map(|at| shape[at + 1..].iter().product()).collect()
}

/// A reference to a storage, with what its class is and where it begins in a larger one.
fn storage(class: &str, key: &str, view: &[u8]) -> Vec<u8> {
    let class = format!("c{class}\n");
    let parts = [&text("storage"), class.as_bytes(), &text(key), &text("cuda:0"), b"K\x1d", view];
    [&b"("[..], &parts.concat(), b"tQ"].concat()
}

/// A tensor as a call of `function` with the storage, offset, size and stride, and what else it takes.
fn tensor(function: &str, storage: &[u8], offset: i64, shape: &[i64], more: &[u8]) -> Vec<u8> {
    let offset = [&b"J"[..], &(offset as i32).to_le_bytes()].concat();
    let size = [ints(shape), ints(&strides(shape))].concat();
    [format!("c{function}\n(").as_bytes(), storage, &offset, &size, more, b"tR"].concat()
}

/// All parameters in one storage, each as `make(offset, shape)` describes it.
fn parameters(make: impl Fn(i64, &[i64]) -> Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let mut offset = 0;
    let described = SHAPES.iter().map(|(name, shape)| {
        let described = make(offset, shape);
        offset += shape.iter().product::<i64>();
        (*name, described)
    });
    described.collect()
}

fn dictionary(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries = entries.iter().map(|(name, value)| [text(name), value.clone()].concat());
    [&b"}("[..], &entries.collect::<Vec<_>>().concat(), b"u"].concat()
}

/// The file of old: magic number, version, system, what was saved, the storages' keys, the one storage.
fn legacy(saved: &[u8], key: &str) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    let key = [&b"\x80\x02]("[..], &text(key), b"e."].concat();
    let numbers: Vec<u8> = (0..29).flat_map(|number| (number as f32).to_le_bytes()).collect();
    let head =
        [&magic[..], b"\x80\x02M\xe9\x03.", b"\x80\x02}.", b"\x80\x02", saved, b"."].concat();
    [&head[..], &key, &29_u64.to_le_bytes(), &numbers].concat()
}

/// Loads a file, and whether every number is in its place.
fn loads(name: &str, content: &[u8]) -> Tested {
    let path = file(name, content);
    let net = small().load_weights(&path).map_err(|error| format!("{name}: {error}"))?;
    let mut first = 0;
    for ((known, shape), (name, tensor)) in SHAPES.iter().zip(net.state_dict()) {
        assert_eq!(*known, name);
        let count = shape.iter().product::<i64>();
        let expected = Tensor::arange_start(first, first + count, (Kind::Float, Device::Cpu));
        assert_eq!(difference(&tensor, &expected.view(*shape)), 0.0, "{name}");
        first += count;
    }
    Ok(())
}

fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = scratch(&format!("pickle_{name}")).join("w.th");
    fs::write(&path, content).expect("written");
    path
}

#[test]
fn tensors_are_read_in_every_form_they_had() -> Tested {
    let one = || storage("torch\nFloatStorage", "94020", b"N");
    let hooks = b"\x89ccollections\nOrderedDict\n)R";
    // Before 2018, and saved on a GPU: what `cifar_resnet20`'s file has.
    let old =
        |offset, shape: &[i64]| tensor("torch._utils\n_rebuild_tensor", &one(), offset, shape, b"");
    loads("rebuild", &legacy(&dictionary(&parameters(old)), "94020"))?;
    let parallel: Vec<_> = parameters(old);
    let parallel: Vec<_> =
        parallel.into_iter().map(|(name, tensor)| (format!("module.{name}"), tensor)).collect();
    let parallel: Vec<_> = parallel.iter().map(|(n, t)| (n.as_str(), t.clone())).collect();
    let best = ("best_prec1", [&b"G"[..], &91.5_f64.to_be_bytes()].concat());
    let checkpoint = dictionary(&[best, ("state_dict", dictionary(&parallel))]);
    loads("checkpoint", &legacy(&checkpoint, "94020"))?;

    let second = |offset, shape: &[i64]| {
        tensor("torch._utils\n_rebuild_tensor_v2", &one(), offset, shape, hooks)
    };
    loads("rebuild_v2", &legacy(&dictionary(&parameters(second)), "94020"))?;
    // A storage of its own that is a part of a larger one.
    let view = |offset: i64, shape: &[i64]| {
        let view = [&b"("[..], &text("7"), &ints(&[offset])[1..6], b"K\x01t"].concat();
        let view = storage("torch\nFloatStorage", "94020", &view);
        tensor("torch._utils\n_rebuild_tensor_v2", &view, 0, shape, hooks)
    };
    loads("views", &legacy(&dictionary(&parameters(view)), "94020"))?;
    // Of the first months: a tensor's own class, and a parameter that is given its tensor afterwards.
    let class =
        |offset, shape: &[i64]| tensor("torch.cuda\nFloatTensor", &one(), offset, shape, b"");
    loads("class", &legacy(&dictionary(&parameters(class)), "94020"))?;
    let state = |offset: i64, shape: &[i64]| {
        let offset = ints(&[offset])[1..6].to_vec();
        let state =
            [&b"("[..], &one(), &offset, &ints(shape), &ints(&strides(shape)), b"t"].concat();
        let data = [&b"ctorch\nFloatTensor\n)R"[..], &state, b"b"].concat();
        [&b"ctorch.nn.parameter\nParameter\n)\x81("[..], &data, b"N}\x88\x89tb"].concat()
    };
    loads("state", &legacy(&dictionary(&parameters(state)), "94020"))?;
    // With the type beside bytes.
    let bytes = storage("torch.storage\nUntypedStorage", "94020", b"N");
    let third = |offset, shape: &[i64]| {
        let more = [&hooks[..], b"ctorch\nfloat32\n"].concat();
        tensor("torch._utils\n_rebuild_tensor_v3", &bytes, offset, shape, &more)
    };
    let mut file = legacy(&dictionary(&parameters(third)), "94020");
    let count = file.len() - 29 * 4 - 8;
    file[count..count + 8].copy_from_slice(&(29_u64 * 4).to_le_bytes());
    loads("rebuild_v3", &file)
}

#[test]
fn what_python_2_wrote_is_read() -> Tested {
    let storage = storage("torch\nFloatStorage", "1", b"N");
    let short = |text: &str| [&[b'U', text.len() as u8], text.as_bytes()].concat();
    let pairs = parameters(|offset, shape| {
        tensor("torch._utils\n_rebuild_tensor", &storage, offset, shape, b"")
    });
    let pairs =
        pairs.iter().map(|(name, tensor)| [&b"]("[..], &short(name), tensor, b"e"].concat());
    // `OrderedDict([[key, value], …])`, with texts that are bytes.
    let pairs = pairs.collect::<Vec<_>>().concat();
    let dict = [&b"ccollections\nOrderedDict\n]("[..], &pairs, b"e\x85R"].concat();
    loads("python2", &legacy(&dict, "1"))
}

#[test]
fn the_high_byte_may_come_first() -> Tested {
    let storage = storage("torch\nFloatStorage", "1", b"N");
    let make = |offset, shape: &[i64]| {
        tensor("torch._utils\n_rebuild_tensor", &storage, offset, shape, b"")
    };
    let mut file = legacy(&dictionary(&parameters(make)), "1");
    let numbers = file.len() - 29 * 4;
    file[numbers - 8..numbers].reverse();
    file[numbers..].chunks_exact_mut(4).for_each(<[u8]>::reverse);
    let system = [&b"}"[..], &text("little_endian"), b"\x89s."].concat();
    let at = file.windows(2).position(|window| window == b"}.").expect("the system");
    file.splice(at..at + 2, system);
    loads("big_endian", &file)
}

#[test]
fn nothing_that_stands_beside_the_weights_is_executed() -> Tested {
    let storage = storage("torch\nFloatStorage", "1", b"N");
    let make = |offset, shape: &[i64]| {
        tensor("torch._utils\n_rebuild_tensor", &storage, offset, shape, b"")
    };
    let touched = scratch("pickle_touch").join("touched");
    let command = text(&format!("touch {}", touched.display()));
    let calls: [Vec<u8>; 4] = [
        [&b"cposix\nsystem\n("[..], &command, b"tR"].concat(),
        [&b"("[..], &command, b"ios\nsystem\n"].concat(),
        [&b"(cos\nsystem\n"[..], &command, b"o"].concat(),
        [&b"cbuiltins\nobject\n)\x81("[..], &text("a"), &command, b"tb"].concat(),
    ];
    for (index, call) in calls.iter().enumerate() {
        let entries = [("state_dict", dictionary(&parameters(make))), ("beside", call.clone())];
        loads(&format!("call{index}"), &legacy(&dictionary(&entries), "1"))?;
        // Where a tensor should be.
        let entries = [("conv.weight", call.clone())];
        let path = file("call", &legacy(&dictionary(&entries), "1"));
        assert!(small().load_weights(path).is_err());
    }
    assert!(!touched.exists());
    Ok(())
}

#[test]
fn densenets_file_of_2017_opens() -> Tested {
    let net = zoo::untrained("densenet121")?;
    let mut numbers: Vec<u8> = Vec::new();
    let storage = storage("torch\nFloatStorage", "1", b"N");
    let mut entries = Vec::new();
    for (name, parameter) in net.state_dict() {
        let old = ["norm1", "norm2", "conv1", "conv2"]
            .iter()
            .find(|part| name.contains("denselayer") && name.contains(&format!(".{part}.")));
        let name = match old {
            Some(part) => name.replace(part, &format!("{}.{}", &part[..4], &part[4..])),
            None => name,
        };
        let offset = (numbers.len() / 4) as i64;
        let values = Vec::<f32>::try_from(parameter.contiguous().view([-1]))?;
        numbers.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let size = parameter.size();
        entries.push((name, tensor("torch._utils\n_rebuild_tensor", &storage, offset, &size, b"")));
    }
    let entries: Vec<_> = entries.iter().map(|(n, t)| (n.as_str(), t.clone())).collect();
    let mut content = legacy(&dictionary(&entries), "1");
    content.truncate(content.len() - 29 * 4 - 8);
    content.extend((numbers.len() as u64 / 4).to_le_bytes());
    content.extend(numbers);
    let again = zoo::untrained("densenet121")?.load_weights(file("densenet", &content))?;
    for ((name, before), (_, after)) in net.state_dict().iter().zip(again.state_dict()) {
        assert_eq!(difference(before, &after), 0.0, "{name}");
    }
    Ok(())
}
