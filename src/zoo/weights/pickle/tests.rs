use super::*;

/// An ordered dictionary with one float tensor `w` of size [2, 3], as torch.save writes it.
fn sound() -> Vec<u8> {
    let mut bytes = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(X\x01\0\0\0wq\x02".to_vec();
    bytes.extend(b"ctorch._utils\n_rebuild_tensor_v2\nq\x03((X\x07\0\0\0storage");
    bytes.extend(b"ctorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x06tQ");
    bytes.extend(b"K\x00K\x02K\x03\x86K\x03K\x01\x86\x89h\x00)RtRu}b.");
    bytes
}

#[test]
fn a_state_dict_is_read() {
    let sound = sound();
    let read = state_dict(&sound).expect("a sound pickle");
    assert_eq!(read.end, sound.len());
    let described = Described {
        storage: "FloatStorage",
        key: "0",
        offset: 0,
        size: vec![2, 3],
        stride: vec![3, 1],
    };
    assert_eq!(read.tensors, [("w", Rc::new(described))]);
    assert_eq!(read.storages["0"], "FloatStorage");
}

/// A dictionary with these entries, each the pickle of its value without protocol and stop.
fn dictionary(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"\x80\x02}(".to_vec();
    for (name, value) in entries {
        bytes.push(b'X');
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend(name.bytes());
        bytes.extend(*value);
    }
    bytes.extend(b"u.");
    bytes
}

#[test]
fn a_state_dict_is_found_in_a_training_checkpoint() {
    let sound = sound();
    let inner = &sound[2..sound.len() - 1];
    let accuracy = b"G\x40\x56\xee\xb8\x51\xeb\x85\x1f";
    for name in ["state_dict", "model"] {
        let bytes = dictionary(&[("epoch", b"K\x03"), (name, inner), ("best_prec1", accuracy)]);
        let read = state_dict(&bytes).expect(name);
        assert_eq!(read.tensors.len(), 1);
        assert_eq!(read.tensors[0].0, "w");
    }
    // Under any other name it may be anything: an optimizer's state, an average of the parameters.
    let error = state_dict(&dictionary(&[("ema", inner)])).err().expect("refused");
    assert!(error.contains("`ema` is no tensor"), "{error}");
    let version = dictionary(&[("model", b"K\x03")]);
    assert!(state_dict(&version).expect("a version number").tensors.is_empty());
}

#[test]
fn every_truncation_is_an_error_and_no_panic() {
    let bytes = sound();
    for end in 0..bytes.len() {
        assert!(state_dict(&bytes[..end]).is_err(), "{end} of {} bytes", bytes.len());
    }
}

#[test]
fn every_changed_byte_is_survived() {
    let bytes = sound();
    for at in 0..bytes.len() {
        for change in [1, 0x20, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let _ = state_dict(&changed);
        }
    }
}

#[test]
fn other_callables_are_refused_by_name() {
    let error = state_dict(b"\x80\x02cposix\nsystem\nX\x02\0\0\0ls\x85R.").err().expect("refused");
    assert!(error.contains("posix.system") && error.contains("nothing was executed"), "{error}");
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let mut bytes = b"\x80\x02N".to_vec();
    bytes.extend(std::iter::repeat_n(0x85, 1_000_000));
    bytes.push(b'.');
    assert!(state_dict(&bytes).is_err());
}

/// What is said to a pickle, at once.
fn refused(bytes: &[u8]) -> String {
    let began = std::time::Instant::now();
    let error = state_dict(bytes).err().expect("refused");
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
    error
}

#[test]
fn what_is_recalled_is_not_copied() {
    // A text of 200 KB, a hundred thousand times: 20 GB if each were one of its own.
    let mut bytes = b"\x80\x02X".to_vec();
    bytes.extend(200_000_u32.to_le_bytes());
    bytes.extend(std::iter::repeat_n(b'a', 200_000));
    bytes.extend(b"q\x00]q\x01(");
    bytes.extend(b"h\x00".repeat(100_000));
    bytes.extend(b"e.");
    let (texts, end) = texts(&bytes).expect("a list of texts");
    assert_eq!((texts.len(), end), (100_000, bytes.len()));
    assert_eq!(texts[0].as_ptr(), texts[99_999].as_ptr());
}

#[test]
fn tensors_of_absurd_rank_are_refused() {
    let mut bytes = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storage".to_vec();
    bytes.extend(b"ctorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x06tQK\x00(");
    bytes.extend(b"K\x01".repeat(100_000));
    bytes.extend(b"tq\x00h\x00\x89)tR.");
    let error = refused(&bytes);
    assert!(error.contains("100000 dimensions, expected at most 16"), "{error}");
}

#[test]
fn floods_of_any_operation_are_stopped() {
    for flood in [&b")"[..], b"(", b"}", b"N", b"h\x00", b"r\x00\0\0\0"] {
        let mut bytes = b"\x80\x02Nq\x00".to_vec();
        for slot in 0..2_200_000_u32 {
            match flood {
                b"r\x00\0\0\0" => bytes.extend([&b"r"[..], &slot.to_le_bytes()].concat()),
                _ => bytes.extend(flood),
            }
        }
        bytes.push(b'.');
        let error = refused(&bytes);
        assert!(error.contains("more than 2097152 values"), "{error}");
    }
}

#[test]
fn messages_name_no_more_than_the_beginning_and_the_end() {
    let long = "n".repeat(1 << 20);
    let callable = format!("\u{2}c{long}\n{long}\n.");
    let error = refused(&[&[0x80], callable.as_bytes()].concat());
    assert!(error.len() < 500 && error.contains("nothing was executed"), "{error}");
    let error = refused(&dictionary(&[(long.as_str(), b"}")]));
    assert!(error.len() < 500 && error.contains("is no tensor"), "{error}");
}
